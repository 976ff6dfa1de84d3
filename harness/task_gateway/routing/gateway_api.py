"""The kinds of Gateway API that routing uses, and the references between their objects."""

from collections.abc import Iterable

from task_gateway.errors import Forbidden
from task_gateway.kube.client import Kube
from task_gateway.kube.reader import Reader
from task_gateway.model import InternalTaskGateway, Manifest
from task_gateway.reasons import Condition

GATEWAY = "gateway.networking.k8s.io/v1/Gateway"
GATEWAY_CLASS = "gateway.networking.k8s.io/v1/GatewayClass"
LISTENER_SET = "gateway.networking.k8s.io/v1/ListenerSet"
ACCEPTED = "Accepted"
UNREPORTED = "no controller has processed it"
"""The message for a route that has no condition Accepted."""
ROUTES = ("gateway.networking.k8s.io/v1/TCPRoute", "gateway.networking.k8s.io/v1alpha2/TCPRoute")
"""The versions of TCPRoute, the newest first."""


def route_kind(reader: Reader) -> str | None:
    """Return the newest served version of TCPRoute, None if none is served."""
    return next((kind for kind in ROUTES if reader.served(kind)), None)


def addresses(gateway: Manifest) -> list[str]:
    """Return the addresses in the status of a Gateway."""
    return [each["value"] for each in (gateway.get("status") or {}).get("addresses") or []]


def first_address(gateway: Manifest) -> str:
    """Return the address of a Gateway at which tasks are reachable, empty if it has none yet."""
    return next(iter(addresses(gateway)), "")


def reported_parents(route: Manifest, controller: str = "") -> list[Manifest]:
    """Return the status entries of a route's current parents, by that controller or, if it is empty, by all.

    Several controllers may have an entry for the same parent. Envoy Gateway 1.9 keeps its entry for a parent that the
    route no longer names.
    """
    present = {_parent(each) for each in route["spec"].get("parentRefs") or []}
    reported = (route.get("status") or {}).get("parents") or []
    return [
        each
        for each in reported
        if _parent(each["parentRef"]) in present and controller in ("", each.get("controllerName"))
    ]


def not_so(reported: Iterable[Manifest], type: str) -> Manifest | None:
    """Return the first condition of this type that is not True, None if there is none.

    If several controllers report on one parent, as when its class may not be read, one that is True is enough.
    """
    found: dict[tuple[str, str | None], list[Manifest]] = {}
    for entry in reported:
        conditions = [each for each in entry.get("conditions") or [] if each["type"] == type]
        found.setdefault(_parent(entry["parentRef"]), []).extend(conditions)
    refused = (each for each in found.values() if each and not any(one["status"] == "True" for one in each))
    return next((each[0] for each in refused), None)


def not_accepted(route: Manifest | None, controller: str = "") -> Condition | None:
    """Return the condition that prevents a TCPRoute from being accepted, None if it is accepted.

    Only the entries of that controller count or, if it is empty, those of all. For a route that no controller has
    processed, a condition that is not reported is returned.
    """
    reported = reported_parents(route, controller) if route is not None else []
    if not any(each["type"] == ACCEPTED for entry in reported for each in entry.get("conditions") or []):
        return Condition(ACCEPTED)
    refusal = not_so(reported, ACCEPTED)
    return None if refusal is None else Condition.read(refusal)


def controller_name(kube: Kube, spec: Manifest) -> str:
    """Return the controllerName of the class of a Gateway of this spec; empty if there is none, or it may not be read.

    A user with permissions only in namespaces cannot read a GatewayClass.
    """
    try:
        return controller_of_class(kube, str(spec.get("gatewayClassName", "")))
    except Forbidden:
        return ""


def controller_of_class(kube: Kube, name: str) -> str:
    """Return the controllerName of a class; empty if there is none, or no name. Forbidden if it may not be read."""
    found = kube.find(GATEWAY_CLASS, name) if name else None
    return str(((found or {}).get("spec") or {}).get("controllerName", ""))


def is_attached(listener_set: Manifest, gateway: InternalTaskGateway) -> bool:
    """Return whether the gateway is the parent of a ListenerSet."""
    parent = listener_set["spec"]["parentRef"]
    namespace = parent.get("namespace") or listener_set["metadata"]["namespace"]
    return (namespace, parent["name"]) == (gateway.gateway_namespace, gateway.gateway_name)


def allowed_from(spec: Manifest) -> str:
    """Return from which namespaces a Gateway of this spec accepts ListenerSets: None, Same, All or Selector."""
    return str(((spec.get("allowedListeners") or {}).get("namespaces") or {}).get("from", "None"))


def _parent(reference: Manifest) -> tuple[str, str | None]:
    return reference["name"], reference.get("sectionName")
