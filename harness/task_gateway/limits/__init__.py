"""Computes how many tasks fit: each limit is a small object in `base.LIMITS`; the lowest is the capacity."""
