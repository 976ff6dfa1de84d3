"""Finds the ports of the configured range that a task can have, for both limits and expose."""

from collections.abc import Collection
from dataclasses import dataclass

from task_gateway.controllers.base import Controller
from task_gateway.model import InternalTaskGateway


@dataclass(frozen=True)
class TaskPorts:
    """The ports of a range: those that are held, reserved by the controller, or missing in the proxy's Service.

    Each port is in at most one of these sets, the first that applies.
    """

    ports: range
    held: frozenset[int]
    kept: frozenset[int]
    missing: frozenset[int]

    @property
    def unusable(self) -> frozenset[int]:
        """The ports that no task can have with this controller."""
        return self.kept | self.missing

    @property
    def usable(self) -> list[int]:
        """The ports that a task can have, in their order."""
        return [port for port in self.ports if port not in self.held and port not in self.unusable]


def task_ports(
    gateway: InternalTaskGateway,
    controller: Controller,
    held: Collection[int] = (),
    service_ports: Collection[int] | None = None,
) -> TaskPorts:
    """Return which ports of the range are usable, given the `held` ports, some of which may be outside the range.

    `service_ports` are those of the proxy's Service if the controller adds none; None if there is no such limit.
    """
    ports = in_range(gateway)
    kept = frozenset(controller.unusable(ports, held))
    mine = frozenset(held).intersection(ports)
    missing = frozenset[int]() if service_ports is None else frozenset(ports) - frozenset(service_ports) - kept - mine
    return TaskPorts(ports, mine, kept, missing)


def in_range(gateway: InternalTaskGateway) -> range:
    """Return the ports of the configured range, both ends included."""
    return range(gateway.gateway_port_range_start, gateway.gateway_port_range_end + 1)
