"""What the harness proves on real clusters: by name in `base.SCENARIOS`, each with its data beside it."""
