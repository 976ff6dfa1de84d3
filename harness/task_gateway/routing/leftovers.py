"""Finds incomplete tasks in a cluster: a task needs a Service, a route and a listener."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from task_gateway.errors import Forbidden
from task_gateway.kube.client import Kube
from task_gateway.kube.kinds import SERVICE
from task_gateway.model import TASK_LABEL, Manifest
from task_gateway.routing import claims
from task_gateway.routing.claims import Claim
from task_gateway.routing.gateway_listeners import Listener
from task_gateway.routing.live import NO_POD


@dataclass(frozen=True)
class Orphan:
    """A route, or a listener, without a Service. `name` is the one its Service would have."""

    name: str
    where: str
    task: str
    port: int | None
    is_route: bool


@dataclass(frozen=True)
class Inventory:
    """The claims, routes and listeners of one strategy in one namespace."""

    claims: Sequence[Claim]
    routes: Sequence[Manifest]
    listeners: Sequence[Listener]

    def defect(self, claim: Claim, tasks: Collection[str]) -> str | None:
        """Return why a claim needs a repair, None if it needs none."""
        if claim.released:
            return "its release was not finished"
        if claim.task not in tasks:
            return NO_POD
        if claim.service not in {each["metadata"]["name"] for each in self.routes}:
            return "it has no route"
        if claim.port not in {each.port for each in self.listeners}:
            return "it has no listener"
        return None

    def orphans(self, before: datetime) -> list[Orphan]:
        """Return the routes made before that time, and the listeners, that have no Service."""
        services, ports = {claim.service for claim in self.claims}, {claim.port for claim in self.claims}
        routes = [
            Orphan(meta["name"], f"TCPRoute {meta['namespace']}/{meta['name']}", meta["labels"][TASK_LABEL], None, True)
            for meta in (each["metadata"] for each in self.routes)
            if meta["name"] not in services and datetime.fromisoformat(meta["creationTimestamp"]) < before
        ]
        return routes + [
            Orphan(_service_name(each), str(each), "", each.port, False)
            for each in self.listeners
            if each.port not in ports
        ]


def read(
    kube: Kube, route_kind: str, namespace: str, selector: str, listeners: Callable[[], Sequence[Listener]]
) -> Inventory:
    """Read the objects, the Services last. Each is created before its route and listener, so none is missed here.

    If the user may not list routes, the result is empty, provided that there are no Services and listeners.
    """
    labels = f"{selector},{TASK_LABEL}"
    found = listeners()
    try:
        routes = kube.list(route_kind, namespace, labels)
    except Forbidden:  # the chart's Role grants it only to users of this strategy
        if found or kube.list(SERVICE, namespace, labels):
            raise
        return Inventory([], [], [])
    services = map(claims.parse, kube.list(SERVICE, namespace, labels))
    return Inventory([claim for claim in services if claim is not None], routes, found)


def _service_name(listener: Listener) -> str:
    """Return the name of the Service that was created with a listener of the Gateway."""
    return f"{listener.parent}-{listener.name}"
