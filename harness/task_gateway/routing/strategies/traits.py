"""The traits of a strategy. Other packages check these and never compare the name of a strategy."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from task_gateway.routing.gateway_listeners import Listener

GATEWAY_API = "gateway.networking.k8s.io"


class Right(NamedTuple):
    """A permission that a resource manager needs, in the namespace of its tasks or that of the Gateway."""

    verb: str
    group: str
    resource: str
    with_tasks: bool


CLAIM = Right("claim", "task-gateway.dev", "slots", True)
"""The operator's policies require it of users who choose the pods of a port. It only exists in RBAC."""


@dataclass(frozen=True, kw_only=True)
class Traits:
    """The traits of one strategy. Its name is also that of its template in the chart's ConfigMap, and a label value."""

    name: str
    """The name by which users choose it."""
    default: bool = False
    """Whether it is used if a user chooses none."""
    per_task: bool
    """Whether it creates a listener, a route and a Service for each port; otherwise the chart creates slots."""
    on_gateway: bool
    """Whether it adds listeners to the Gateway itself, one write at a time; otherwise to ListenerSets."""
    cluster_ip: bool
    """Whether the Service of a task has a cluster IP address; otherwise it is headless."""
    like_determined: bool = False
    """Whether a Determined master creates the same objects itself and does not need the chart."""
    rights: tuple[Right, ...]
    """The permissions that a resource manager needs in addition to reading the Gateway."""
    recognises: Callable[[Listener, bool], bool]
    """Returns whether a listener serves the strategy, given whether its parent has the label of the Gateway."""
