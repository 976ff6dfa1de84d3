"""All that is read of one gateway and its cluster: each thing once, when it is first asked for, and never written."""

from functools import cached_property

from task_gateway.clusters import system_pods
from task_gateway.clusters.controllers import CONTOUR, CONTROLLERS, ENVOY_GATEWAY
from task_gateway.crds import schema
from task_gateway.errors import Forbidden, NotFound
from task_gateway.kube.client import Kube
from task_gateway.kube.kinds import POD, SERVICE
from task_gateway.limits.target import Target
from task_gateway.model import InternalTaskGateway, Manifest, ResourceManager
from task_gateway.routing import determined, names, table
from task_gateway.routing.gateway_api import GATEWAY, GATEWAY_CLASS, LISTENER_SET, allowed_from, is_attached, route_kind
from task_gateway.routing.listening import FOREIGN, Listener, listeners_of
from task_gateway.routing.ports import in_range
from task_gateway.routing.table import Slot

CLASSES = {"gateway.envoyproxy.io/": ENVOY_GATEWAY, "projectcontour.io/": CONTOUR}


def controller_of(name: str) -> str:
    """Return which controller a GatewayClass' controllerName means, empty if it is none that is known."""
    return next((kind for prefix, kind in CLASSES.items() if name.startswith(prefix)), "")


class Site:
    """One resource manager's gateway as it is now. `use` of a listener is slots, listenersets, listeners or foreign.

    `profile` names who else than this project's library writes the Gateway, `user` who does so, where it is not the
    kubeconfig's.
    """

    def __init__(self, target: Target, strategy: str | None = None, *, profile: str = "", user: str = "") -> None:
        if target.manager.internal_task_gateway is None:
            raise ValueError(f"resource manager {target.manager.name} has no gateway")
        self.target = target
        self.kube: Kube = target.kube
        self.manager: ResourceManager = target.manager
        self.gateway: InternalTaskGateway = target.manager.internal_task_gateway
        self.profile = profile
        self.user = user
        self._strategy = strategy

    @property
    def name(self) -> str:
        """The Gateway as namespace/name."""
        return f"{self.gateway.gateway_namespace}/{self.gateway.gateway_name}"

    @property
    def ports(self) -> range:
        """The configured port range, both ends included."""
        return in_range(self.gateway)

    @cached_property
    def strategy(self) -> str:
        """The strategy asked for, else the one whose objects are there, else the best that the Gateway allows."""
        if self._strategy is not None:
            return self._strategy
        if self.slots:
            return "slots"
        uses = {listener.use for listener in self.listeners}
        for used in ("listenersets", "listeners"):
            if used in uses:
                return used
        taken = self.templates and allowed_from(self.spec) != "None" and self.controller != CONTOUR
        return "listenersets" if taken else "listeners"

    @cached_property
    def namespace(self) -> str:
        """The namespace of the tasks: the configured one, else where the slots are, else the Gateway's."""
        if self.manager.default_namespace:
            return self.manager.default_namespace
        found = {service["metadata"]["namespace"] for service in self._slot_services}
        return min(found) if found else self.gateway.gateway_namespace

    @cached_property
    def gateway_object(self) -> Manifest | None:
        """The Gateway, None if there is none or its kind is not served."""
        return self.kube.find(GATEWAY, self.gateway.gateway_name, self.gateway.gateway_namespace)

    @property
    def spec(self) -> Manifest:
        """The Gateway's spec, empty if there is no Gateway."""
        return (self.gateway_object or {}).get("spec") or {}

    @property
    def status(self) -> Manifest:
        """The Gateway's status, empty if there is none."""
        return (self.gateway_object or {}).get("status") or {}

    @property
    def reported(self) -> Manifest | None:
        """The Gateway, for who reads its conditions: Contour keeps the generation of one that does not change."""
        found = self.gateway_object
        if found is None or self.controller != CONTOUR:
            return found
        return found | {"metadata": {key: value for key, value in found["metadata"].items() if key != "generation"}}

    @cached_property
    def gateway_class(self) -> Manifest | None:
        """The Gateway's class, None if there is none."""
        name = self.spec.get("gatewayClassName")
        return self.kube.find(GATEWAY_CLASS, name, None) if name else None

    @cached_property
    def controller(self) -> str:
        """envoy-gateway or contour by the class, empty if it is neither or the class may not be read."""
        try:
            name = ((self.gateway_class or {}).get("spec") or {}).get("controllerName", "")
        except Forbidden:
            return ""
        return controller_of(name)

    @cached_property
    def crd(self) -> Manifest | None:
        """The CRD of Gateways."""
        return self.kube.find(schema.KIND, schema.GATEWAYS, None)

    @cached_property
    def listener_set_crd(self) -> Manifest | None:
        """The CRD of ListenerSets."""
        return self.kube.find(schema.KIND, schema.LISTENER_SETS, None)

    @cached_property
    def listener_sets(self) -> list[Manifest]:
        """The ListenerSets of the Gateway, in all namespaces, or in its own where only that may be read."""
        return [
            each for each in self._list(LISTENER_SET, self.gateway.gateway_namespace) if is_attached(each, self.gateway)
        ]

    @cached_property
    def listeners(self) -> list[Listener]:
        """Every listener of the gateway, the Gateway's own first."""
        parents = [*([self.gateway_object] if self.gateway_object else []), *self.listener_sets]
        return [each for parent in parents for each in listeners_of(parent, self.gateway)]

    @property
    def foreign_listeners(self) -> list[Listener]:
        """The listeners in the port range that belong neither to a slot nor to a task."""
        return [each for each in self.listeners if each.use == FOREIGN and each.port in self.ports]

    @cached_property
    def slots(self) -> list[Slot]:
        """The slots of the gateway in the namespace of the tasks, in and outside the port range."""
        here = [each for each in self._slot_services if each["metadata"]["namespace"] == self.namespace]
        return [slot for slot in map(table.parse, here) if slot is not None]

    @cached_property
    def templates(self) -> Manifest | None:
        """The ConfigMap of task routing templates."""
        name = names.templates(self.gateway.gateway_name)
        return self.kube.find("v1/ConfigMap", name, self.gateway.gateway_namespace)

    @cached_property
    def services(self) -> list[Manifest]:
        """All Services in the namespace of the tasks."""
        return self.kube.list(SERVICE, self.namespace)

    @cached_property
    def all_services(self) -> list[Manifest]:
        """All Services of the cluster."""
        return self.kube.list(SERVICE)

    @cached_property
    def routes(self) -> list[Manifest]:
        """The TCPRoutes in the namespace of the tasks."""
        kind = self.route_kind
        return self.kube.list(kind, self.namespace) if kind else []

    @cached_property
    def route_kind(self) -> str | None:
        """The newest served version of TCPRoute, None if none is served."""
        return route_kind(self.kube)

    @cached_property
    def proxy_services(self) -> list[Manifest]:
        """The Services of the gateway's proxy, which are labelled with the Gateway that they serve."""
        return self._list(SERVICE, self.gateway.gateway_namespace, self.proxy_labels)

    @cached_property
    def proxies(self) -> list[Manifest]:
        """The Deployments of the gateway's proxy, labelled like its Services."""
        return self._list("apps/v1/Deployment", self.gateway.gateway_namespace, self.proxy_labels)

    @cached_property
    def pods(self) -> list[Manifest]:
        """The pods in the namespace of the tasks."""
        return self.kube.list(POD, self.namespace)

    @cached_property
    def nodes(self) -> list[Manifest]:
        """The nodes of the cluster."""
        return self.kube.list("v1/Node")

    @cached_property
    def kube_proxies(self) -> list[Manifest]:
        """The pods of kube-proxy; none where another component replaces it, or where the provider hides it."""
        return self.kube.list(POD, system_pods.NAMESPACE, system_pods.KUBE_PROXY)

    @cached_property
    def quotas(self) -> list[Manifest]:
        """The ResourceQuotas in the namespace of the tasks."""
        return self.kube.list("v1/ResourceQuota", self.namespace)

    @property
    def determined(self) -> dict[int, str]:
        """The allocation of each port of the Gateway that a Determined master holds."""
        return determined.ports(self.gateway_object)

    @property
    def active(self) -> int:
        """How many ports of the range serve a task."""
        if self.strategy == "slots":
            return sum(slot.task is not None for slot in table.inside(self.slots, self.ports[0], self.ports[-1]))
        return sum(each.use == self.strategy and each.port in self.ports for each in self.listeners)

    @property
    def proxy_labels(self) -> str:
        """The labels of what the controller made for the Gateway: Envoy's Deployments and Services."""
        made_by = CONTROLLERS[self.controller or ENVOY_GATEWAY]
        return made_by.proxies(self.gateway.gateway_name, self.gateway.gateway_namespace)

    @cached_property
    def _slot_services(self) -> list[Manifest]:
        selector = names.slots_selector(self.gateway.gateway_name, self.gateway.gateway_namespace)
        namespace = self.manager.default_namespace
        return (
            self.kube.list(SERVICE, namespace, selector)
            if namespace
            else self._list(SERVICE, self.gateway.gateway_namespace, selector)
        )

    def _list(self, kind: str, namespace: str, labels: str = "") -> list[Manifest]:
        """Return what there is in all namespaces; in one if no more may be read; nothing of a kind not served."""
        try:
            try:
                return self.kube.list(kind, labels=labels)
            except Forbidden:
                return self.kube.list(kind, namespace, labels)
        except NotFound:
            return []
