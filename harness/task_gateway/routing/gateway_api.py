"""The kinds of Gateway API that routing deals in, and what its objects say of each other."""

from task_gateway.errors import Forbidden
from task_gateway.kube.client import Kube
from task_gateway.model import InternalTaskGateway, Manifest

GATEWAY = "gateway.networking.k8s.io/v1/Gateway"
GATEWAY_CLASS = "gateway.networking.k8s.io/v1/GatewayClass"
LISTENER_SET = "gateway.networking.k8s.io/v1/ListenerSet"
ROUTES = ("gateway.networking.k8s.io/v1/TCPRoute", "gateway.networking.k8s.io/v1alpha2/TCPRoute")
"""The versions of TCPRoute, the newest first."""

WITHOUT_LISTENER_SETS = ("projectcontour.io/",)
"""How the names of controllers begin that serve no ListenerSets: Contour's."""


def route_kind(kube: Kube) -> str | None:
    """Return the newest served version of TCPRoute, None if none is served."""
    return next((kind for kind in ROUTES if kube.served(kind)), None)


def reported_parents(route: Manifest) -> list[Manifest]:
    """Return what controllers say of the parents that a route has now.

    Envoy Gateway 1.9 keeps what it said of one that the route no longer names.
    """
    present = {(each["name"], each.get("sectionName")) for each in route["spec"].get("parentRefs") or []}
    reported = (route.get("status") or {}).get("parents") or []
    return [one for one in reported if (one["parentRef"]["name"], one["parentRef"].get("sectionName")) in present]


def is_attached(listener_set: Manifest, gateway: InternalTaskGateway) -> bool:
    """Tell whether the gateway is the parent of a ListenerSet."""
    parent = listener_set["spec"]["parentRef"]
    namespace = parent.get("namespace") or listener_set["metadata"]["namespace"]
    return (namespace, parent["name"]) == (gateway.gateway_namespace, gateway.gateway_name)


def allowed_from(spec: Manifest) -> str:
    """Return from which namespaces a Gateway of this spec takes ListenerSets: None, Same, All or Selector."""
    return str(((spec.get("allowedListeners") or {}).get("namespaces") or {}).get("from", "None"))


def lacks_listener_sets(kube: Kube, spec: Manifest) -> bool:
    """Tell whether the controller of a Gateway of this spec is known to serve no ListenerSets.

    No GatewayClass may be read by who has rights in namespaces alone: what the Gateway allows has to tell then.
    """
    try:
        found = kube.find(GATEWAY_CLASS, spec["gatewayClassName"]) or {"spec": {"controllerName": ""}}
    except Forbidden:
        return False
    return str(found["spec"]["controllerName"]).startswith(WITHOUT_LISTENER_SETS)
