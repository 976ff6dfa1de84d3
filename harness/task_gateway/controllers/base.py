"""The type and the registry of gateway controllers. To add one, add a module with a record to this package.

Other packages read the record and never compare the name of a controller.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from task_gateway.deferred import tarfile, yaml
from task_gateway.model import Manifest
from task_gateway.registry import Registry

Values = Mapping[str, Any]
"""Nested values of a chart."""

GATEWAY_NAME = "gateway.networking.k8s.io/gateway-name"
"""The label that Gateway API defines for objects that a controller creates for a Gateway (GEP-1762)."""


@dataclass(frozen=True, kw_only=True)
class BenchPlan:
    """What the bench measures with a controller: samples per size, and sizes for strategies that write to the Gateway.

    `samples_of_few` is for the small installation with slots, `samples` for the large one, `samples_per_task` for the
    strategies that create a listener for each task. `listeners` are the numbers of tasks for those that write each
    listener to the Gateway itself. `rebuilds` means that the controller rebuilds its model after a
    change, and that claims shortly after one another are measured too. `goals` are the seconds to the first byte that
    the project aims at with slots, by the number of tasks in place, and `operator_goals` the same with the operator.
    """

    samples_of_few: int = 50
    samples: int = 30
    samples_per_task: int = 8
    listeners: tuple[int, ...] = (10, 100, 180)
    rebuilds: bool = False
    goals: Mapping[int, float] = field(default_factory=dict)
    operator_goals: Mapping[int, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Controller:
    """One controller. The defaults are those of a controller that implements Gateway API without restrictions."""

    name: str
    """The name by which users choose it; `controller.name` of the chart, if the chart installs it."""
    title: str
    """Its name in texts."""
    class_prefix: str
    """The prefix of the controllerName of its GatewayClasses."""
    default: bool = False
    """Whether the chart installs it by default."""

    listener_sets: bool = True
    """Whether it serves ListenerSets."""
    listens_without_routes: bool = True
    """Whether its proxy listens on a port that has no route yet."""
    one_gateway: bool = False
    """Whether an installation serves only the Gateway that its configuration names."""
    watch_option: str = ""
    """The argument of its container that lists the namespaces it watches, with `=`; empty if it watches all."""

    reserved_ports: frozenset[int] = frozenset()
    """Ports that its proxy uses itself."""
    proxy_port: Callable[[int], int] | None = None
    """Returns the port in the proxy's pod for a listener's port; listeners cannot share one. None: the same port."""
    adds_ports: bool = True
    """Whether it adds the port of a new listener to the proxy's Service."""

    reports_generation: bool = True
    """Whether conditions of the Gateway have an observedGeneration."""
    reports_classes: bool = True
    """Whether it reports conditions of its GatewayClass."""

    labels: str = ""
    """The selector of its Deployments and pods."""
    process: str = ""
    """A pattern that matches its command line."""
    proxy_labels: tuple[str, ...] = (GATEWAY_NAME,)
    """Labels of the proxy's Deployment, pods and Service: their values are the Gateway's name and namespace."""
    class_label: str = ""
    """The label, with the class as its value, of a proxy that all Gateways of a class share."""
    image: str = ""
    """The suffix of the repository of its image."""
    proxy_image: str = "envoyproxy/envoy"
    """The suffix of the repository of the proxy's image."""

    readiness_policy: str = ""
    """The kind of the object that stops its proxy from connecting to endpoints that are not ready, by
    `healthCheck.panicThreshold: 0`. Empty if the proxy never does."""

    tested: tuple[int, int] | None = None
    """The minor version that the project is tested with."""
    gateway_api: tuple[int, int] = (0, 0)
    """The oldest minor release of Gateway API's CRDs that it works with."""
    channel: str = "standard"
    """The channel of Gateway API's CRDs that it requires."""

    values_file: str = ""
    """The chart's values file that installs it; empty if the chart installs it by default, or not at all."""
    ports_value: str = ""
    """The chart's value, with `start` and `count`, for more ports of the proxy's Service; empty if not required."""
    one_pod: Values = field(default_factory=dict)
    """Values of the chart with which the controller is one pod."""
    unlimited: Values = field(default_factory=dict)
    """Values of the chart that lift the controller's own limit on requests to the API server."""
    pod_annotations: str = ""
    """The chart's value with annotations of the controller's pod; empty if the chart does not install it."""
    bench: BenchPlan = field(default_factory=BenchPlan)

    def proxies(self, gateway: str, namespace: str) -> str:
        """Return the selector of the Deployment and pods of one Gateway's proxy."""
        return ",".join(f"{key}={value}" for key, value in zip(self.proxy_labels, (gateway, namespace), strict=False))

    def selectors(self, gateway: str, namespace: str, gateway_class: str) -> tuple[str, ...]:
        """Return the selectors of the proxy's objects in the order to try: for the Gateway, then for its class."""
        shared = (f"{self.class_label}={gateway_class}",) if self.class_label and gateway_class else ()
        return (self.proxies(gateway, namespace), *shared)

    def unusable(self, ports: range, held: Collection[int] = ()) -> set[int]:
        """Return the ports of a range that no listener can have, given the `held` ports.

        These are the reserved ports and, of two ports that share a port in the proxy, the higher one. Held ports are
        never included.
        """
        if self.proxy_port is None:
            return set(self.reserved_ports.intersection(ports).difference(held))
        taken, found = {self.proxy_port(port) for port in held}, set[int]()
        for port in sorted(set(ports).difference(held)):
            inside = self.proxy_port(port)
            if port in self.reserved_ports or inside in taken:
                found.add(port)
            taken.add(inside)
        return found

    def values(self, chart: Path) -> dict[str, Any]:
        """Return the values with which a packaged chart installs this controller."""
        if not self.values_file:
            return {}
        found: dict[str, Any] = yaml.safe_load(packaged(chart, self.values_file))
        return found

    def reused(self) -> dict[str, Any]:
        """Return the values with which the chart uses a controller of this kind that already runs."""
        name = {"name": self.name} if self.values_file else {}
        return {"controller": {**name, "install": False}}

    def task_ports(self, first: int, count: int) -> dict[str, Any]:
        """Return the values with which the proxy's Service has ports for tasks with their own listeners."""
        return nested(self.ports_value, {"start": first, "count": count}) if self.ports_value else {}

    def set_task_ports(self, first: int, count: int) -> str:
        """Return the same as the argument of `--set`."""
        return f"{self.ports_value}.start={first},{self.ports_value}.count={count}"

    def annotated(self, annotations: Mapping[str, str]) -> dict[str, Any]:
        """Return the values that change the annotations of the controller's pod, which replaces it."""
        return nested(self.pod_annotations, dict(annotations))

    @property
    def crds(self) -> Values:
        """The values of the CRDs' chart."""
        return {"channel": self.channel}


class Unknown(Controller):
    """The fallback for a controller that this project does not know, or whose class may not be read."""

    def selectors(self, gateway: str, namespace: str, gateway_class: str) -> tuple[str, ...]:
        """Return the selectors of every known controller, and the one that Gateway API defines."""
        known = (each.selectors(gateway, namespace, gateway_class) for each in in_order())
        standard = super().selectors(gateway, namespace, gateway_class)
        return tuple(dict.fromkeys([*(one for each in known for one in each), *standard]))


UNKNOWN = Unknown(name="", title="", class_prefix="")
CONTROLLERS: Registry[Controller] = Registry("controller", "task_gateway.controllers")


def declare(controller: Controller) -> Controller:
    """Register a controller under its name."""
    return CONTROLLERS.register(controller.name)(controller)


def in_order() -> list[Controller]:
    """Return all controllers: the chart's default first, then by name."""
    return sorted(CONTROLLERS, key=lambda each: (not each.default, each.name))


def names() -> list[str]:
    """Return the names of all controllers in that order."""
    return [each.name for each in in_order()]


def default() -> Controller:
    """Return the controller that the chart installs by default."""
    return in_order()[0]


def of_class(controller_name: str) -> Controller:
    """Return the controller of a GatewayClass with this controllerName; UNKNOWN if it is not known, or empty."""
    found = (each for each in in_order() if controller_name.startswith(each.class_prefix))
    return next(found, UNKNOWN)


def owner_namespace(proxy: Manifest) -> str:
    """Return the namespace of the Gateway of a proxy's object: from a label, else that of the object."""
    labels = proxy["metadata"].get("labels") or {}
    keys = (key for each in CONTROLLERS for key in each.proxy_labels[1:])
    return str(next((labels[key] for key in keys if key in labels), proxy["metadata"]["namespace"]))


def parts() -> dict[str, str]:
    """Return the name of each component that runs in pods, by the suffix of its image's repository."""
    controllers = {each.image: each.name for each in CONTROLLERS if each.image}
    proxies = {each.proxy_image: each.proxy_image.rpartition("/")[2] for each in CONTROLLERS if each.proxy_image}
    return {**proxies, **controllers}


def service_ports(services: Iterable[Manifest]) -> frozenset[int] | None:
    """Return the ports that the Services of a proxy have; None if there is no Service."""
    found = list(services)
    return frozenset(port["port"] for each in found for port in each["spec"].get("ports") or []) if found else None


def nested(path: str, value: object) -> dict[str, Any]:
    """Return values in which `path`, with dots, has this value."""
    key, _, rest = path.partition(".")
    return {key: nested(rest, value) if rest else value}


def packaged(chart: Path, name: str) -> str:
    """Return a file of a packaged chart; FileNotFoundError if the chart does not have it."""
    with tarfile.open(chart) as package:
        for member in package.getmembers():
            folder, _, rest = member.name.partition("/")
            content = package.extractfile(member) if folder and rest == name else None
            if content is not None:
                return content.read().decode()
    raise FileNotFoundError(2, f"the chart has no {name}", str(chart))
