"""All that is read of one gateway and its cluster: each thing once, when it is first asked for, and never written."""

import copy
from collections.abc import Sequence
from functools import cached_property

from task_gateway.controllers.base import Controller, of_class, service_ports
from task_gateway.crds import schema
from task_gateway.errors import Forbidden, NotFound
from task_gateway.kube import pods
from task_gateway.kube.client import Kube
from task_gateway.kube.kinds import DAEMON_SET, DEPLOYMENT, ENDPOINT_SLICE, POD, SERVICE
from task_gateway.limits.target import Target
from task_gateway.model import InternalTaskGateway, Manifest, ResourceManager
from task_gateway.routing import determined, endpoints, names, table, templates
from task_gateway.routing.gateway_api import GATEWAY, GATEWAY_CLASS, LISTENER_SET, is_attached, route_kind
from task_gateway.routing.listening import FOREIGN, Listener
from task_gateway.routing.parents import listeners_of
from task_gateway.routing.ports import in_range
from task_gateway.routing.strategies.base import in_order, traits_of
from task_gateway.routing.strategies.traits import Traits
from task_gateway.routing.table import Slot

OF_ONE_NAMESPACE = (
    *("namespaces", "namespace", "spaces", "slots", "services", "routes", "pods", "endpoints", "quotas"),
)
"""What a view of one task namespace reads for itself; the rest it shares with its gateway."""


class Site:
    """One resource manager's gateway as it is now. `use` of a listener is a strategy, or foreign.

    `profile` names who else than this project's library writes the Gateway, `user` who does so, where it is not the
    kubeconfig's, and `groups` that user's groups. `namespace` limits it to the tasks of one namespace; by default it
    has all of the Gateway's.
    """

    def __init__(
        self,
        target: Target,
        strategy: str | None = None,
        *,
        profile: str = "",
        user: str = "",
        groups: Sequence[str] = (),
        namespace: str | None = None,
    ) -> None:
        if target.manager.internal_task_gateway is None:
            raise ValueError(f"resource manager {target.manager.name} has no gateway")
        self.target = target
        self.kube: Kube = target.kube
        self.manager: ResourceManager = target.manager
        self.gateway: InternalTaskGateway = target.manager.internal_task_gateway
        self.profile = profile
        self.user = user
        self.groups = tuple(groups)
        self._strategy = strategy
        self._chosen = namespace

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
        """The strategy asked for, else the one whose objects are there, else the one that needs none beforehand."""
        if self._strategy is not None:
            return self._strategy
        known = in_order()
        for each in known:
            there = any(one.use == each.name for one in self.listeners) if each.per_task else self.slots
            if there:
                return each.name
        return next(each.name for each in known if each.per_task)

    @property
    def traits(self) -> Traits:
        """The traits of the strategy."""
        return traits_of(self.strategy)

    @cached_property
    def namespaces(self) -> tuple[str, ...]:
        """All namespaces of tasks: the configured one, those that the chart lists, and those with slots; at least one.

        Without any of them, or without the right to read any, the Gateway's namespace.
        """
        if self._chosen is not None:
            return (self._chosen,)
        try:
            slots = sorted({service["metadata"]["namespace"] for service in self._slot_services})
        except Forbidden:
            slots = []
        return tuple(dict.fromkeys([*self._known_namespaces, *slots])) or (self.gateway.gateway_namespace,)

    @cached_property
    def namespace(self) -> str:
        """The first namespace of tasks: the configured one, else the first of the chart's `slots`."""
        return self.namespaces[0]

    @cached_property
    def spaces(self) -> tuple["Site", ...]:
        """The gateway as each namespace of tasks has it, in the order of `namespaces`."""
        return (self,) if len(self.namespaces) == 1 else tuple(map(self.within, self.namespaces))

    def within(self, namespace: str) -> "Site":
        """Return the gateway with only the slots, Services, routes and pods of one namespace."""
        made = copy.copy(self)
        made._strategy, made._chosen = self.strategy, namespace
        for each in OF_ONE_NAMESPACE:
            vars(made).pop(each, None)
        return made

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
        """The Gateway as checks of conditions need it: without generation where the controller does not report it."""
        found = self.gateway_object
        if found is None or self.controller.reports_generation:
            return found
        return found | {"metadata": {key: value for key, value in found["metadata"].items() if key != "generation"}}

    @cached_property
    def gateway_class(self) -> Manifest | None:
        """The Gateway's class, None if there is none."""
        name = self.spec.get("gatewayClassName")
        return self.kube.find(GATEWAY_CLASS, name, None) if name else None

    @cached_property
    def controller(self) -> Controller:
        """The controller of the class; the fallback if this project does not know it."""
        return of_class(self.controller_name)

    @cached_property
    def controller_name(self) -> str:
        """The controllerName of the class; the one that the chart wrote down where the class may not be read."""
        try:
            return str(((self.gateway_class or {}).get("spec") or {}).get("controllerName", ""))
        except Forbidden:
            return templates.controller_name(self._chart)

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
        """The slots of the gateway in all namespaces of tasks, in and outside the port range."""
        here = [each for each in self._slot_services if each["metadata"]["namespace"] in self.namespaces]
        return [slot for slot in map(table.parse, here) if slot is not None]

    @cached_property
    def templates(self) -> Manifest | None:
        """The ConfigMap of task routing templates."""
        name = names.templates(self.gateway.gateway_name)
        return self.kube.find("v1/ConfigMap", name, self.gateway.gateway_namespace)

    @cached_property
    def services(self) -> list[Manifest]:
        """All Services in the first namespace of tasks."""
        return self.kube.list(SERVICE, self.namespace)

    @cached_property
    def all_services(self) -> list[Manifest]:
        """All Services of the cluster."""
        return self.kube.list(SERVICE)

    @cached_property
    def routes(self) -> list[Manifest]:
        """The TCPRoutes in the first namespace of tasks."""
        kind = self.route_kind
        return self.kube.list(kind, self.namespace) if kind else []

    @cached_property
    def route_kind(self) -> str | None:
        """The newest served version of TCPRoute, None if none is served."""
        return route_kind(self.kube)

    @cached_property
    def proxy_services(self) -> list[Manifest]:
        """The Services of the gateway's proxy."""
        return self._of_proxy(SERVICE)

    @cached_property
    def service_ports(self) -> frozenset[int] | None:
        """The ports of the proxy's Services; those that the chart wrote down where these may not be read."""
        try:
            return service_ports(self.proxy_services)
        except Forbidden:
            return templates.service_ports(self._chart)

    @cached_property
    def proxies(self) -> list[Manifest]:
        """The Deployments and DaemonSets of the gateway's proxy."""
        return self._of_proxy(DEPLOYMENT) or self._of_proxy(DAEMON_SET)

    @cached_property
    def proxy_pods(self) -> list[Manifest]:
        """The pods of the gateway's proxy; none where they may not be read."""
        try:
            return self._of_proxy(POD)
        except Forbidden:
            return []

    @cached_property
    def pods(self) -> list[Manifest]:
        """The pods in the first namespace of tasks."""
        return self.kube.list(POD, self.namespace)

    @cached_property
    def endpoints(self) -> endpoints.Endpoints:
        """The endpoints in the namespace of the tasks, by Service."""
        return endpoints.by_service(self.kube.list(ENDPOINT_SLICE, self.namespace, endpoints.SERVICE_OF))

    @cached_property
    def nodes(self) -> list[Manifest]:
        """The nodes of the cluster."""
        return self.kube.list("v1/Node")

    @cached_property
    def kube_proxies(self) -> list[Manifest]:
        """The pods of kube-proxy; none where another component replaces it, or where the provider hides it."""
        return self.kube.list(POD, pods.SYSTEM_NAMESPACE, pods.KUBE_PROXY)

    @cached_property
    def quotas(self) -> list[Manifest]:
        """The ResourceQuotas in the first namespace of tasks; `spaces` has those of each namespace."""
        return self.kube.list("v1/ResourceQuota", self.namespace)

    @property
    def determined(self) -> dict[int, str]:
        """The allocation of each port of the Gateway that a Determined master holds."""
        return determined.ports(self.gateway_object)

    @property
    def active(self) -> int:
        """How many ports of the range serve a task."""
        if not self.traits.per_task:
            return sum(slot.task is not None for slot in table.inside(self.slots, self.ports[0], self.ports[-1]))
        return sum(each.use == self.strategy and each.port in self.ports for each in self.listeners)

    @cached_property
    def proxy_labels(self) -> str:
        """The labels that the proxy's Deployment has; the Gateway's own, where none is there or may be read."""
        own, *others = self._proxy_selectors
        try:
            return next((each for each in others if self._labelled(DEPLOYMENT, each)), own)
        except Forbidden:
            return own

    @property
    def _proxy_selectors(self) -> tuple[str, ...]:
        """The labels by which the controller marks the proxy of the Gateway, in the order to try."""
        gateway, class_ = self.gateway, self.spec.get("gatewayClassName", "")
        return self.controller.selectors(gateway.gateway_name, gateway.gateway_namespace, class_)

    def _of_proxy(self, kind: str) -> list[Manifest]:
        """Return the objects of a kind that belong to the gateway's proxy, also where several Gateways share it."""
        return next((found for each in self._proxy_selectors if (found := self._labelled(kind, each))), [])

    def _labelled(self, kind: str, labels: str) -> list[Manifest]:
        return self._list(kind, self.gateway.gateway_namespace, labels)

    @property
    def _chart(self) -> Manifest:
        """The data of the chart's ConfigMap; empty where there is none or it may not be read."""
        try:
            return (self.templates or {}).get("data") or {}
        except Forbidden:
            return {}

    @cached_property
    def _known_namespaces(self) -> list[str]:
        """The configured namespace and those that the chart lists; none where neither may be read or is there."""
        try:
            listed = templates.task_namespaces(self.templates)
        except Forbidden:
            listed = ()
        configured = [self.manager.default_namespace] if self.manager.default_namespace else []
        return list(dict.fromkeys([*configured, *listed]))

    @cached_property
    def _slot_services(self) -> list[Manifest]:
        """The Services of all slots; of the known namespaces only, where the whole cluster may not be listed."""
        selector = names.slots_selector(self.gateway.gateway_name, self.gateway.gateway_namespace)
        try:
            return self.kube.list(SERVICE, labels=selector)
        except Forbidden:
            known = [self._chosen] if self._chosen else self._known_namespaces or [self.gateway.gateway_namespace]
            return self._readable(known, selector)

    def _readable(self, namespaces: Sequence[str], labels: str) -> list[Manifest]:
        """Return the Services of those namespaces that may be read; Forbidden if none may be."""
        found, refused = [], []
        for each in namespaces:
            try:
                found += self.kube.list(SERVICE, each, labels)
            except Forbidden as problem:
                refused.append(problem)
        if len(refused) == len(namespaces):
            raise refused[0]
        return found

    def _list(self, kind: str, namespace: str, labels: str = "") -> list[Manifest]:
        """Return what there is in all namespaces; in one if no more may be read; nothing of a kind not served."""
        try:
            try:
                return self.kube.list(kind, labels=labels)
            except Forbidden:
                return self.kube.list(kind, namespace, labels)
        except NotFound:
            return []
