"""Existing platforms that scenarios can run against, one per module; `base.PLATFORMS` has them by name."""
