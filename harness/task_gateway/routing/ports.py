"""Ports that no task can have, whatever the range says."""

RESERVED = frozenset(range(19000, 19004))
"""Envoy Gateway keeps 19000 to 19003 inside its proxy: administration, metrics, readiness, shutdown."""
