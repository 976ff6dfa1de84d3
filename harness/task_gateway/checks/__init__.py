"""Preflight: checks that name what is wrong, why, and the command that fixes it; each found in `base.CHECKS`."""
