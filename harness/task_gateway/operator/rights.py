"""The rights that the operator needs, as data: for the chart's Roles and for `task-gateway check`.

A name limits a right to one object; `list` and `watch` with a name are requests with a field selector for it.
"""

from dataclasses import dataclass

from task_gateway.routing import names
from task_gateway.routing.strategies.traits import GATEWAY_API, Right


@dataclass(frozen=True)
class Named:
    """A right to one object in the Gateway's namespace; without a name to all of the resource there."""

    right: Right
    name: str = ""


def with_gateway(gateway: str) -> tuple[Named, ...]:
    """Return the rights in the namespace of a Gateway of that name."""
    return (
        *(Named(Right(verb, GATEWAY_API, "gateways", False), gateway) for verb in ("get", "list", "watch")),
        *(Named(Right(verb, GATEWAY_API, "listenersets", False)) for verb in ("list", "watch")),
        Named(Right("get", "", "configmaps", False), names.templates(gateway)),
        Named(Right("create", "coordination.k8s.io", "leases", False)),
        *(
            Named(Right(verb, "coordination.k8s.io", "leases", False), names.operator(gateway))
            for verb in ("get", "list", "watch", "update")
        ),
    )


WITH_TASKS: tuple[Right, ...] = (
    *(Right(verb, "", "services", True) for verb in ("get", "list", "watch", "patch")),
    *(Right(verb, "", "pods", True) for verb in ("get", "list", "watch")),
    Right("patch", "", "pods/status", True),
    *(Right(verb, "batch", "jobs", True) for verb in ("list", "watch")),
    Right("list", "discovery.k8s.io", "endpointslices", True),
    Right("create", "", "events", True),
    Right("get", "", "namespaces", True),
)
"""The rights in each task namespace; `namespaces` is for the label with the owner of the namespace itself."""

WITH_LANE: tuple[Right, ...] = tuple(Right(verb, GATEWAY_API, "tcproutes", True) for verb in ("list", "watch"))
"""The further rights in the namespace of a lane's tasks."""
TO_LIFT_GATES: tuple[Right, ...] = (Right("patch", "", "pods", True),)
"""The further rights there if the pods of the lane are held until they have routes."""


def of_lane(gateway: str) -> tuple[Named, ...]:
    """Return the further rights in the namespace of a lane's Gateway of that name."""
    read = (Named(Right(verb, GATEWAY_API, "gateways", False), gateway) for verb in ("get", "list", "watch"))
    return (*read, Named(Right("patch", GATEWAY_API, "gateways/status", False), gateway))


def of_lane_class(name: str) -> tuple[Named, ...]:
    """Return the rights to the class of a lane, which belongs to no namespace."""
    read = (Named(Right(verb, GATEWAY_API, "gatewayclasses", False), name) for verb in ("list", "watch"))
    return (*read, Named(Right("patch", GATEWAY_API, "gatewayclasses/status", False), name))
