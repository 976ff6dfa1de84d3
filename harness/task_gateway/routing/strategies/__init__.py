"""Strategies that make tasks reachable, one per module; `base.STRATEGIES` has them by name."""
