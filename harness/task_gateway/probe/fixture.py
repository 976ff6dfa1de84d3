"""The objects that a controller is probed with: a Gateway, two pods that send their names, and the ports to connect to.

They have unique names in a separate namespace, and are removed at the end, also after an interrupt. If a controller
only serves one Gateway, as Contour does, server-side apply adds the probe's listeners to it and removes them again,
without changes to other fields.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from task_gateway.errors import NotFound, TaskGatewayError, UsageError
from task_gateway.kube.client import Kube
from task_gateway.kube.kinds import POD, SERVICE
from task_gateway.kube.services import outside_addresses
from task_gateway.kube.wait import condition, wait_for, wait_until_gone, wait_until_usable
from task_gateway.model import Address, Manifest, Say
from task_gateway.probe import objects
from task_gateway.routing.gateway_api import GATEWAY, GATEWAY_CLASS, LISTENER_SET, route_kind
from task_gateway.settings import POD_READY, Wait

MANAGER = "task-gateway-probe"
BACKENDS = ("one", "two")
FIRST, ADDED, IN_SET = range(3)
"""The ports of a probe: of the first listener, of the one that is added, and of the one in a ListenerSet."""
ADDRESSED = Wait("gateway-addressed", "the Gateway has an address", 180)
REMOVED = Wait("probe-removed", "the objects of the probe are gone", 120)


@dataclass(frozen=True)
class ProbeOptions:
    """What to probe: `gateway_class`, with a new Gateway, or an existing `gateway`, as `namespace/name`.

    The new Gateway requests `address`, for clusters without a load balancer. The probe uses the free ports from
    `first_port` on. `image` requires python3.
    """

    image: str
    gateway_class: str = ""
    gateway: str = ""
    address: str = ""
    first_port: int = 29000


class ProbeFixture:
    """The objects of one probe in a cluster. `host` is the Gateway's address, empty until it has one."""

    def __init__(self, kube: Kube, options: ProbeOptions) -> None:
        self.kube, self.options = kube, options
        self.probe = f"probe-{secrets.token_hex(3)}"
        self._own = not options.gateway
        found = None if self._own else _gateway(kube, options.gateway)
        self.gateway_class = _class(kube, found["spec"]["gatewayClassName"] if found else options.gateway_class)
        self.namespace = found["metadata"]["namespace"] if found else f"task-gateway-{self.probe}"
        self.gateway_name = found["metadata"]["name"] if found else self.probe
        self._takes_sets = found is not None and "allowedListeners" in found["spec"]
        self.host = ""
        self.ports = _free(kube, options, found)
        self.had_port = False
        """Whether a Service had the first port before there was a listener for it."""
        self._listeners: list[Manifest] = []

    @property
    def route_kind(self) -> str | None:
        """The newest version of TCPRoute that is served."""
        return route_kind(self.kube)

    def backend(self, which: int) -> str:
        """Return the name that a pod sends."""
        return f"{self.probe}-{BACKENDS[which]}"

    def at(self, which: int) -> Address:
        """Return the address of one of the ports."""
        return Address(self.host, self.ports[which])

    def gateway(self) -> Manifest:
        """Read the Gateway."""
        return self.kube.get(GATEWAY, self.gateway_name, self.namespace)

    def meta(self, name: str) -> Manifest:
        """Return the metadata of an object of this probe."""
        return objects.meta(name, self.namespace, self.probe)

    def name(self, which: int) -> str:
        """Return the name of the listener, the route and the Service of a port."""
        return f"{self.probe}-{self.ports[which]}"

    def set_up(self, say: Say) -> None:
        """Create the pods, the Gateway with its first listener, and a route to the first pod."""
        if self._own:
            self.kube.create(objects.namespace(self.namespace, self.probe))
            wait_until_usable(self.kube, self.namespace)
        names = [self.backend(which) for which in range(len(BACKENDS))]
        for name in names:
            self.kube.create(objects.pod(self.meta(name), self.options.image))
        say(f"waiting until the pods {' and '.join(names)} of namespace {self.namespace} are Ready")
        for name in names:
            wait_for(self.kube, POD_READY, POD, name, self.namespace, condition("Ready"))
        self.had_port = self.ports[FIRST] in _outside_ports(self.kube)
        self.listen(FIRST)
        self.lead_to(FIRST, self.backend(0))
        self.route(FIRST)

    def listen(self, which: int) -> None:
        """Add a listener to the Gateway."""
        self._listeners.append(objects.listener(self.name(which), self.ports[which]))
        self._apply(listeners=self._listeners)

    def lead_to(self, which: int, backend: str) -> None:
        """Make the Service of a port select this pod or, with `objects.NOBODY`, none."""
        self.kube.apply(objects.service(self.meta(self.name(which)), self.ports[which], backend), field_manager=MANAGER)

    def route(self, which: int, parent: Manifest | None = None) -> None:
        """Create the route from the listener of a port to its Service; `parent` defaults to the Gateway."""
        kind, name = self.route_kind, self.name(which)
        if kind is not None:
            over = parent or self.gateway()
            self.kube.create(objects.route(kind, self.meta(name), over, name, name, self.ports[which]))

    def unroute(self, which: int) -> None:
        """Remove the route of a port."""
        if self.route_kind is not None:
            self.kube.delete(self.route_kind, self.name(which), self.namespace)

    def listener_set(self, which: int) -> Manifest:
        """Create a ListenerSet with the listener of a port."""
        parent = {"name": self.gateway_name, "namespace": self.namespace}
        listeners = [objects.listener(self.name(which), self.ports[which])]
        return self.kube.create(objects.listener_set(self.meta(self.name(which)), parent, listeners))

    def services(self) -> list[Manifest]:
        """Return the Services at the Gateway's address, including those of other Gateways."""
        return [each for each in self.kube.list(SERVICE) if self.host in _addresses(each)]

    def own_service(self) -> Manifest | None:
        """Return the Service of the proxy that has the first port, None if there is none."""
        ours = self.ports[FIRST]
        return next((each for each in self.services() if ours in {port["port"] for port in _ports(each)}), None)

    def proxies(self) -> dict[str, str]:
        """Return the names of the pods of that Service, by uid; empty if there is no such Service."""
        found = self.own_service()
        selector = (found or {"spec": {}})["spec"].get("selector")
        if found is None or not selector:
            return {}
        labels = ",".join(f"{key}={value}" for key, value in selector.items())
        pods = self.kube.list(POD, found["metadata"]["namespace"], labels)
        return {each["metadata"]["uid"]: each["metadata"]["name"] for each in pods}

    def remove(self, say: Say) -> None:
        """Remove all objects of the probe; missing ones are ignored."""
        say(f"removing the objects of the probe in namespace {self.namespace}")
        service = self.own_service() if self.host and self._own else None
        for kind in (*([self.route_kind] if self.route_kind else []), LISTENER_SET):
            self._delete_all(kind)
        if self._own:
            self.kube.delete(GATEWAY, self.gateway_name, self.namespace)
        elif self.kube.find(GATEWAY, self.gateway_name, self.namespace) is not None:
            self.kube.apply({key: each for key, each in self._part().items() if key != "spec"}, field_manager=MANAGER)
        for kind in (SERVICE, POD):
            self._delete_all(kind)
        if self._own:
            self.kube.delete("v1/Namespace", self.namespace)
            wait_until_gone(self.kube, REMOVED, "v1/Namespace", self.namespace, None)
            if service is not None:
                meta = service["metadata"]
                wait_until_gone(self.kube, REMOVED, SERVICE, meta["name"], meta["namespace"])

    def _delete_all(self, kind: str) -> None:
        with suppress(NotFound):  # the namespace or the kind does not exist
            for each in self.kube.list(kind, self.namespace, f"{objects.LABEL}={self.probe}"):
                self.kube.delete(kind, each["metadata"]["name"], self.namespace)

    def _apply(self, listeners: list[Manifest]) -> None:
        spec: Manifest = {"listeners": listeners}
        if self.kube.served(LISTENER_SET) and not self._takes_sets:
            spec["allowedListeners"] = {"namespaces": {"from": "Same"}}
        if self._own:
            spec["gatewayClassName"] = self.gateway_class["metadata"]["name"]
            if self.options.address:
                spec["addresses"] = [{"type": "IPAddress", "value": self.options.address}]
        self.kube.apply(self._part() | {"spec": spec}, field_manager=MANAGER)

    def _part(self) -> Manifest:
        """Return the Gateway without a spec: the probe's own with its labels, an existing one only with its name."""
        own = self.meta(self.gateway_name)
        return objects.gateway(own if self._own else {key: own[key] for key in ("name", "namespace")})


@contextmanager
def probe_fixture(kube: Kube, options: ProbeOptions, say: Say) -> Iterator[ProbeFixture]:
    """Create the objects of a probe, and always remove them; UsageError if the class or Gateway does not exist."""
    made = ProbeFixture(kube, options)
    say(f"probing GatewayClass {made.gateway_class['metadata']['name']} as {made.probe}")
    try:
        made.set_up(say)
        yield made
    finally:
        try:
            made.remove(say)
        except TaskGatewayError as problem:
            left = f"kubectl delete namespace,gateway,pod,service --all-namespaces -l {objects.LABEL}={made.probe}"
            say(f"not all could be removed: {problem.message}; {left}")


def _gateway(kube: Kube, wanted: str) -> Manifest:
    namespace, slash, name = wanted.partition("/")
    found = kube.find(GATEWAY, name, namespace) if slash and name else None
    if found is None:
        raise UsageError(f"there is no Gateway {wanted!r}", hint="kubectl get gateways --all-namespaces")
    return found


def _class(kube: Kube, name: str) -> Manifest:
    found = kube.find(GATEWAY_CLASS, name)
    if found is None:
        raise UsageError(f"there is no GatewayClass {name!r}", where=kube.server, hint="kubectl get gatewayclasses")
    return found


def _free(kube: Kube, options: ProbeOptions, gateway: Manifest | None) -> list[int]:
    """Return the first free ports: without a listener of the Gateway or, for a new Gateway, an external Service."""
    taken = {each["port"] for each in ((gateway or {}).get("spec") or {}).get("listeners") or []}
    if gateway is None:
        taken |= _outside_ports(kube)
    elif kube.served(LISTENER_SET):
        taken |= {port["port"] for each in kube.list(LISTENER_SET) for port in each["spec"]["listeners"]}
    free = [port for port in range(options.first_port, 65536) if port not in taken]
    if len(free) <= IN_SET:
        raise UsageError(f"there are no {IN_SET + 1} free ports from {options.first_port} on", hint="--first-port PORT")
    return free[: IN_SET + 1]


def _outside_ports(kube: Kube) -> set[int]:
    return {port["port"] for each in kube.list(SERVICE) if outside_addresses(each) for port in _ports(each)}


def _addresses(service: Manifest) -> list[str]:
    return [*outside_addresses(service), service["spec"].get("clusterIP", "")]


def _ports(service: Manifest) -> list[Manifest]:
    found: list[Manifest] = service["spec"].get("ports") or []
    return found
