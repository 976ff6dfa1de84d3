"""The lane of a Determined master: its own Gateway, which no controller serves, and the slots that its ports use.

Only the master writes that Gateway while tasks come and go, so none of its writes conflicts. The operator routes the
slot of each port to the pods of the allocation that has the port. Nothing here writes an object of the master.

A slot of the lane has its own label. Only the lane claims and repairs it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from task_gateway.model import LABEL_PREFIX, TASK_LABEL, Manifest
from task_gateway.routing import names, table
from task_gateway.routing.determined import LABEL, OWNER

CONTROLLER = f"{LABEL_PREFIX}/determined"
"""The controllerName of the lane's GatewayClass."""
GATEWAY_KEY, NAMESPACE_KEY, GATE_KEY = "determinedGateway", "determinedNamespace", "determinedGate"
"""Keys of the chart's ConfigMap: the lane's Gateway, the namespace of its tasks, and whether their pods are held."""
GATE = f"{LABEL_PREFIX}/determined-routes"
"""The scheduling gate of a pod whose routes do not exist yet."""


@dataclass(frozen=True)
class Lane:
    """A lane, from the chart's ConfigMap. With `gate`, a scheduling gate holds pods until they have routes."""

    gateway: str
    namespace: str
    gate: bool = False


@dataclass(frozen=True, slots=True)
class Route:
    """A TCPRoute of the master: its allocation, its ports of the Gateway, and the port of the pods behind them."""

    name: str
    uid: str
    allocation: str
    ports: tuple[int, ...]
    target: int
    created: str


@dataclass(frozen=True, slots=True)
class LaneSlot:
    """A slot of the lane as it was read. It was claimed for `allocation` and the route with the uid `route`, or empty.

    `selector` is that of its Service. `external` is true if the Service has the type ExternalName.
    """

    port: int
    service: str
    version: str
    allocation: str = ""
    route: str = ""
    target: int | str | None = None
    selector: tuple[tuple[str, str], ...] = ()
    external: bool = False


def described(data: Mapping[str, str]) -> Lane | None:
    """Return the lane in the data of the chart's ConfigMap, None if the chart was installed without one."""
    gateway, namespace = data.get(GATEWAY_KEY, ""), data.get(NAMESPACE_KEY, "")
    return Lane(gateway, namespace, data.get(GATE_KEY) == "true") if gateway and namespace else None


def parse_route(route: Manifest, gateway: str, namespace: str) -> Route | None:
    """Read a TCPRoute; None if it has no port of that Gateway, no allocation, or no backend."""
    meta, spec = route["metadata"], route["spec"]
    allocation = (meta.get("labels") or {}).get(LABEL, "")
    ports = tuple(
        int(each["port"])
        for each in spec.get("parentRefs") or []
        if (each.get("namespace") or meta["namespace"], each["name"]) == (namespace, gateway) and each.get("port")
    )
    targets = [ref.get("port") for rule in spec.get("rules") or [] for ref in rule.get("backendRefs") or []]
    if not allocation or not ports or not targets or targets[0] is None:
        return None
    return Route(meta["name"], meta["uid"], allocation, ports, int(targets[0]), meta.get("creationTimestamp") or "")


def parse_slot(service: Manifest) -> LaneSlot | None:
    """Read a Service as a slot of the lane; None if no port of it is the port in its label."""
    meta, spec = service["metadata"], service["spec"]
    label, notes = (meta.get("labels") or {}).get(names.LANE_LABEL), meta.get("annotations") or {}
    port = next((each for each in spec.get("ports") or [] if str(each["port"]) == label), None)
    if port is None:
        return None
    return LaneSlot(
        port=port["port"],
        service=meta["name"],
        version=meta["resourceVersion"],
        allocation=notes.get(names.CLAIMED_BY, ""),
        route=names.object_uid(notes.get(names.OBJECT, "")),
        target=port.get("targetPort"),
        selector=tuple(sorted((spec.get("selector") or {}).items())),
        external=spec.get("type") == table.EXTERNAL_NAME,
    )


def leads(slot: LaneSlot, route: Route) -> bool:
    """Return whether a slot selects exactly the pods of a route's allocation."""
    return (slot.allocation, slot.route, slot.target, slot.selector, slot.external) == (
        route.allocation,
        route.uid,
        route.target,
        ((LABEL, route.allocation),),
        False,
    )


def rests(slot: LaneSlot) -> bool:
    """Return whether a slot selects no pods: it was never used, or it was released."""
    nowhere = ((), ((TASK_LABEL, names.released(slot.port)),))
    return not slot.allocation and not slot.external and slot.selector in nowhere


def claim(slot: LaneSlot, route: Route, now: datetime) -> Manifest:
    """Return the strategic merge patch that makes a slot select the pods of a route, if the slot has not changed."""
    notes = {
        names.CLAIMED_BY: route.allocation,
        names.OWNER: OWNER,
        names.OBJECT: f"TCPRoute/{route.name}/{route.uid}",
        names.CLAIMED_AT: table.format_time(now),
        names.RELEASED_AT: None,
    }
    ports = [{"port": slot.port, "targetPort": route.target}]
    return _patch(slot, notes, {LABEL: route.allocation}, {"ports": ports})


def release(slot: LaneSlot, now: datetime) -> Manifest:
    """Return the strategic merge patch that makes a slot select no pods, if the slot has not changed.

    The new selector matches no pod, because Kubernetes keeps the endpoints of a Service that loses its selector.
    """
    claimed = (names.CLAIMED_BY, names.OWNER, names.OBJECT, names.CLAIMED_AT)
    notes = {**dict.fromkeys(claimed), names.RELEASED_AT: table.format_time(now)}
    return _patch(slot, notes, {TASK_LABEL: names.released(slot.port)}, {})


def _patch(slot: LaneSlot, notes: Mapping[str, str | None], selector: Mapping[str, str], more: Manifest) -> Manifest:
    whole = {**{key: None for key, _ in slot.selector}, **selector}
    spec: Manifest = {"type": "ClusterIP", "externalName": None, "selector": whole, **more}
    return {"metadata": {"resourceVersion": slot.version, "annotations": notes}, "spec": spec}
