"""Harness of the internal task gateway: brings up clusters, exposes tasks and proves that they are reachable."""

__version__ = "0.1.0"
