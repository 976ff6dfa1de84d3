"""Platforms that somebody runs and scenarios are run against: one file each, found by name in `base.PLATFORMS`."""
