"""An API server in memory for what only reads: the tests put objects there, and the project's own readers find them."""

from pathlib import Path
from typing import Any

from task_gateway.controllers.base import Controller, of_class
from task_gateway.crds import schema
from task_gateway.errors import Forbidden, NotFound
from task_gateway.kube import pods
from task_gateway.kube.client import Kube, Manifests
from task_gateway.kube.kinds import CONFIG_MAP, DEPLOYMENT, ENDPOINT_SLICE, POD, SERVICE
from task_gateway.model import Cluster, InternalTaskGateway, Manifest
from task_gateway.routing import endpoints, names
from task_gateway.routing.gateway_api import GATEWAY, GATEWAY_CLASS, LISTENER_SET, ROUTES
from task_gateway.settings import DEFAULTS

GATEWAY_OF_TESTS = InternalTaskGateway("gw", "ns", "192.0.2.7", 2000, 2009)
QUOTA, NODE = "v1/ResourceQuota", "v1/Node"
CLASS = "klass"
SERVED = frozenset((GATEWAY, GATEWAY_CLASS, ROUTES[0]))


class Memory(Kube):
    """Serves what `put` was given, by kind, namespace, name and labels; `refused` has kinds that may not be read.

    A kind of which nothing was put is served and empty, except those of Gateway API, of which `kinds` are served.
    """

    def __init__(self) -> None:
        self.cluster = Cluster("here", "existing", Path("kubeconfig"))
        self.settings = DEFAULTS
        self.server = "https://192.0.2.1:6443"
        self.kinds = set(SERVED)
        self.refused: set[str] = set()
        self._objects: dict[str, list[Manifest]] = {}

    def put(self, kind: str, obj: Manifest, name: str = "", namespace: str | None = None, labels: str = "") -> None:
        """Add an object; what its metadata lacks is completed."""
        meta: Manifest = {"name": name or f"{kind.rpartition('/')[2].lower()}-{len(self._objects.get(kind, []))}"}
        meta |= {"namespace": namespace} if namespace else {}
        own = obj.get("metadata") or {}
        meta |= own | {"labels": as_labels(labels) | (own.get("labels") or {})}
        self._objects.setdefault(kind, []).append({**obj, "metadata": meta})
        self.kinds.add(kind)

    def served(self, kind: str) -> bool:
        return kind in self.kinds or "gateway.networking" not in kind

    def get(self, kind: str, name: str, namespace: str | None = None) -> Manifest:
        for each in self.list(kind, namespace):
            if each["metadata"]["name"] == name:
                return each
        raise NotFound(f"there is no {kind} {namespace}/{name}", status=404)

    def list(self, kind: str, namespace: str | None = None, labels: str = "") -> list[Manifest]:
        if kind in self.refused:
            raise Forbidden("no", where=f"{kind} in namespace {namespace}" if namespace else kind)
        if not self.served(kind):
            raise NotFound(f"not served: {kind}", status=404)
        wanted = [each.partition("=") for each in labels.split(",") if each]
        return [
            each
            for each in self._objects.get(kind, [])
            if namespace in (None, each["metadata"].get("namespace"))
            and all(
                key in each["metadata"]["labels"] and (not sign or each["metadata"]["labels"][key] == value)
                for key, sign, value in wanted
            )
        ]

    def snapshot(
        self, kind: str, namespace: str | None = None, *, name: str | None = None, labels: str = ""
    ) -> tuple[Manifests, str]:
        return [each for each in self.list(kind, namespace, labels) if name in (None, each["metadata"]["name"])], "1"


def as_labels(selector: str) -> dict[str, str]:
    """Return labels that a selector matches."""
    return {key: value for key, _, value in (each.partition("=") for each in selector.split(",") if each)}


def furnish(
    kube: Memory,
    gateway: InternalTaskGateway = GATEWAY_OF_TESTS,
    *,
    namespaces: tuple[str, ...] = ("ns",),
    controller: Controller | str | None = None,
    gateway_object: Manifest | None = None,
    gateway_class: Manifest | None = None,
    crd: Manifest | None = None,
    listener_set_crd: Manifest | None = None,
    chart: dict[str, Any] | None = None,
    **lists: list[Manifest],
) -> None:
    """Put a gateway there, in whose first task namespace the objects of tasks are.

    Its class is that of `controller`, a record or a controllerName; `chart` is the data of the chart's ConfigMap.
    """
    name, home, tasks = gateway.gateway_name, gateway.gateway_namespace, namespaces[0]
    of_name = controller.class_prefix if isinstance(controller, Controller) else controller
    class_ = gateway_class or ({"spec": {"controllerName": of_name}} if of_name else None)
    if gateway_object is not None or class_ is not None:
        found = gateway_object or {}
        spec = {"gatewayClassName": CLASS, **(found.get("spec") or {})}
        kube.put(GATEWAY, {**found, "spec": spec}, name, home)
        if class_ is not None:
            kube.put(GATEWAY_CLASS, class_, spec["gatewayClassName"])
    if crd is not None:
        kube.put(schema.KIND, crd, schema.GATEWAYS)
    if listener_set_crd is not None:
        kube.put(schema.KIND, listener_set_crd, schema.LISTENER_SETS)
    if chart is not None:
        kube.put(CONFIG_MAP, {"data": chart}, names.templates(name), home)
    served_by = of_class(str(((class_ or {}).get("spec") or {}).get("controllerName", "")))
    proxy = served_by.selectors(name, home, CLASS)[0]
    places = {
        "listener_sets": (LISTENER_SET, home, ""),
        "slots": (SERVICE, tasks, names.gateway_selector(name, home)),
        "services": (SERVICE, tasks, ""),
        "proxy_services": (SERVICE, home, proxy),
        "proxies": (DEPLOYMENT, home, proxy),
        "controllers": (DEPLOYMENT, "controllers", served_by.labels),
        "routes": (ROUTES[0], tasks, ""),
        "pods": (POD, tasks, ""),
        "slices": (ENDPOINT_SLICE, tasks, ""),
        "quotas": (QUOTA, tasks, ""),
        "nodes": (NODE, None, ""),
        "kube_proxies": (POD, pods.SYSTEM_NAMESPACE, pods.KUBE_PROXY),
    }
    for part, objects in lists.items():
        kind, namespace, labels = places[part]
        for each in objects:
            kube.put(kind, each, "", namespace, labels)


def slot(port: int, *, namespace: str = "ns", selector: Manifest | None = None, **notes: str) -> Manifest:
    """Return the Service of a slot; `notes` are annotations without their prefix, as in claimed_by."""
    meta = {
        "name": f"gw-slot-{port}",
        "namespace": namespace,
        "resourceVersion": "1",
        "labels": {names.SLOT_LABEL: str(port)},
        "annotations": {f"task-gateway.dev/{key.replace('_', '-')}": value for key, value in notes.items()},
    }
    return {"metadata": meta, "spec": {"ports": [{"port": port}], "selector": selector}}


def slice_of(service: str, pod: str, address: str, *, managed: bool = True) -> Manifest:
    """Return an EndpointSlice of a Service with one endpoint, of a pod if it has a name."""
    labels = {endpoints.SERVICE_OF: service}
    if managed:
        labels[endpoints.MANAGED_BY] = endpoints.KUBERNETES[0]
    target = {"targetRef": {"kind": "Pod", "name": pod}} if pod else {}
    return {
        "metadata": {"name": f"{service}-x", "labels": labels},
        "endpoints": [{"addresses": [address], **target}],
    }
