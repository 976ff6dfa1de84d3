"""The permissions that the operator needs, as data: for the chart's Roles and for `task-gateway check`.

A name limits a permission to one object; `list` and `watch` with a name are requests with a field selector for it.
"""

from dataclasses import dataclass

from task_gateway.routing import names
from task_gateway.routing.strategies.traits import GATEWAY_API, Right


@dataclass(frozen=True)
class Named:
    """A permission for one object in the Gateway's namespace; without a name, for all objects of the resource."""

    right: Right
    name: str = ""


def with_gateway(gateway: str) -> tuple[Named, ...]:
    """Return the permissions in the namespace of a Gateway of that name."""
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
"""The permissions in each task namespace; `namespaces` is for the label with the owner of the namespace."""

WITH_LANE: tuple[Right, ...] = tuple(Right(verb, GATEWAY_API, "tcproutes", True) for verb in ("list", "watch"))
"""The additional permissions in the namespace of a lane's tasks."""
TO_LIFT_GATES: tuple[Right, ...] = (Right("patch", "", "pods", True),)
"""The additional permissions there if the pods of the lane are held until they have routes."""


def of_lane(gateway: str) -> tuple[Named, ...]:
    """Return the additional permissions in the namespace of a lane's Gateway of that name."""
    read = (Named(Right(verb, GATEWAY_API, "gateways", False), gateway) for verb in ("get", "list", "watch"))
    return (*read, Named(Right("patch", GATEWAY_API, "gateways/status", False), gateway))


def of_lane_class(name: str) -> tuple[Named, ...]:
    """Return the permissions for the GatewayClass of a lane, which is cluster-scoped."""
    read = (Named(Right(verb, GATEWAY_API, "gatewayclasses", False), name) for verb in ("list", "watch"))
    return (*read, Named(Right("patch", GATEWAY_API, "gatewayclasses/status", False), name))
