"""How many tasks fit: each limit a small object, found in `base.LIMITS`; the least of them is the capacity."""
