"""What other rooms need to know of a strategy: they ask its traits, and none compares a strategy's name."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from task_gateway.routing.gateway_listeners import Listener

GATEWAY_API = "gateway.networking.k8s.io"


class Right(NamedTuple):
    """A right that a resource manager needs: in the namespace of its tasks, otherwise in that of the Gateway."""

    verb: str
    group: str
    resource: str
    with_tasks: bool


CLAIM = Right("claim", "task-gateway.dev", "slots", True)
"""What the policies of the operator require of those who decide where a port leads. Only RBAC knows the resource."""


@dataclass(frozen=True, kw_only=True)
class Traits:
    """One strategy. Its name is that of its template in the chart's ConfigMap, and of its label on objects."""

    name: str
    """How users choose it."""
    default: bool = False
    """Whether it is used unless another one is named."""
    per_task: bool
    """Whether it creates a listener, a route and a Service for each port; otherwise the chart creates slots."""
    on_gateway: bool
    """Whether it adds listeners to the Gateway itself, one write after the other; in ListenerSets otherwise."""
    cluster_ip: bool
    """Whether the Service of a task has a cluster IP address; it is headless otherwise."""
    like_determined: bool = False
    """Whether a Determined master does the same with objects of its own, so that the chart need not be installed."""
    rights: tuple[Right, ...]
    """What a resource manager may do in addition to reading the Gateway."""
    recognises: Callable[[Listener, bool], bool]
    """Tells whether a listener serves a task or slot of the strategy; the bool: its parent has the Gateway's label."""
