"""Ports that no task can have, whatever the range says, and the configured range."""

from task_gateway.model import InternalTaskGateway

RESERVED = frozenset(range(19000, 19004))
"""Envoy Gateway keeps 19000 to 19003 inside its proxy: administration, metrics, readiness, shutdown."""


def in_range(gateway: InternalTaskGateway) -> range:
    """Return the ports of the configured range, both ends included."""
    return range(gateway.gateway_port_range_start, gateway.gateway_port_range_end + 1)
