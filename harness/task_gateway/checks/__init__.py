"""Preflight checks, which report a problem, its cause, and the command that fixes it; `base.CHECKS` has them all."""
