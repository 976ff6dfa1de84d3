"""The ports that a Determined master holds on its Gateway, for commands that list and count them.

The master writes a listener into the Gateway for each port, with an annotation that names the allocation. Then it makes
a Service and a TCPRoute, both with the label `determined`. Nothing here writes an object of the master.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from task_gateway.errors import Forbidden
from task_gateway.kube.client import Kube
from task_gateway.model import Address, Exposure, InternalTaskGateway, Manifest
from task_gateway.routing import names, readiness
from task_gateway.routing.gateway_api import GATEWAY, route_kind
from task_gateway.routing.gateway_listeners import DETERMINED_NOTE

LABEL = "determined"
"""The label of all objects of a task; its value is the allocation."""

STRATEGY, OWNER, KIND = "listeners", "determined", "Job"
"""Values that `task-gateway ls` shows for a port of a Determined master."""

DEFAULT_RANGE = (32768, 65535)
"""The port range of a master whose configuration has none."""

_RANGE = re.compile(r"(\d{1,5})-(\d{1,5})")


@dataclass(frozen=True)
class Routed:
    """One port of an allocation, with a TCPRoute to port `target` of Service `service`."""

    port: int
    allocation: str
    namespace: str
    service: str
    target: int
    made: datetime


def ports(gateway: Manifest | None) -> dict[int, str]:
    """Return the allocation of each port of the Gateway that a Determined master holds; empty without a Gateway."""
    if gateway is None:
        return {}
    notes = gateway["metadata"].get("annotations") or {}
    held = {each.get("port", 0) for each in gateway["spec"].get("listeners") or []}
    return {port: notes[note] for port in sorted(held) if notes.get(note := f"{DETERMINED_NOTE}{port}")}


def port_range(gateway: Manifest) -> tuple[int, int]:
    """Return the first and the last port of the range that the master of a Gateway uses.

    The chart sets it in an annotation. Without one, or if the master holds other ports, it is the master's default
    range, extended to all ports that it holds.
    """
    held = ports(gateway)
    found = _RANGE.fullmatch((gateway["metadata"].get("annotations") or {}).get(names.TASK_PORTS, ""))
    if found:
        first, last = int(found[1]), int(found[2])
        if 1025 <= first <= last <= 65535 and all(first <= port <= last for port in held):
            return first, last
    return min((DEFAULT_RANGE[0], *held)), max((DEFAULT_RANGE[1], *held))


def targeted(route: Manifest, gateway: Manifest) -> set[int]:
    """Return the ports of a Gateway that a route is attached to; all of them if a parentRef has no port."""
    meta, found = gateway["metadata"], set()
    by_name = {each["name"]: each.get("port", 0) for each in gateway["spec"].get("listeners") or []}
    for parent in route["spec"].get("parentRefs") or []:
        namespace = parent.get("namespace") or route["metadata"]["namespace"]
        if (namespace, parent.get("name")) != (meta["namespace"], meta["name"]):
            continue
        if parent.get("port") is None and parent.get("sectionName") is None:
            return set(by_name.values())
        found |= {port for port in (parent.get("port"), by_name.get(parent.get("sectionName"))) if port is not None}
    return found


def routed(kube: Kube, gateway: Manifest | None, namespace: str) -> list[Routed]:
    """Return the ports of a Determined master that have a route, in their order.

    Routes are read in all namespaces or, without permission, only in `namespace`. Without such ports nothing is read.
    """
    held = ports(gateway)
    kind = route_kind(kube) if held else None
    if gateway is None or kind is None:
        return []
    try:
        routes = kube.list(kind, labels=LABEL)
    except Forbidden:
        routes = kube.list(kind, namespace, LABEL)
    found = {
        port: _routed(port, held[port], route) for route in routes for port in targeted(route, gateway) if port in held
    }
    return [found[port] for port in sorted(found)]


def exposures(kube: Kube, gateway: InternalTaskGateway, namespace: str) -> list[Exposure]:
    """Return the ports of tasks of a Determined master, as `task-gateway ls` shows them."""
    found = routed(kube, kube.find(GATEWAY, gateway.gateway_name, gateway.gateway_namespace), namespace)
    ready = {each: readiness.ready_services(kube, each) for each in {one.namespace for one in found}}
    return [
        Exposure(
            task_id=each.allocation,
            namespace=each.namespace,
            owner=OWNER,
            kind=KIND,
            port=each.port,
            target_port=each.target,
            strategy=STRATEGY,
            address=Address(gateway.gateway_ip, each.port),
            since=each.made,
            ready=each.service in ready[each.namespace],
            service=each.service,
        )
        for each in found
    ]


def allocations(objects: Iterable[Manifest]) -> set[str]:
    """Return the allocations that objects belong to by their label."""
    labels: Iterable[Mapping[str, str]] = (each["metadata"].get("labels") or {} for each in objects)
    return {each[LABEL] for each in labels if each.get(LABEL)}


def _routed(port: int, allocation: str, route: Manifest) -> Routed:
    meta, rules = route["metadata"], route["spec"].get("rules") or []
    backends = [ref for rule in rules for ref in rule.get("backendRefs") or []] or [{}]
    made = datetime.fromisoformat(meta["creationTimestamp"])
    service, target = backends[0].get("name", ""), backends[0].get("port", port)
    return Routed(port, allocation, meta["namespace"], service, target, made)
