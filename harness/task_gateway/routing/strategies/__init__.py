"""Strategies to make tasks reachable, one a module: by name in `base.STRATEGIES`, each with its traits."""
