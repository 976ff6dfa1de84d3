"""Platforms that somebody runs and scenarios are played against: one file each, found by name in `base.PLATFORMS`."""
