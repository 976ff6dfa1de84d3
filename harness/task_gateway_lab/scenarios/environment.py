"""The environment of scenarios: the clusters, a gateway in each except the master's own, and the master."""

import ipaddress
import tempfile
import textwrap
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from string import Template
from types import MappingProxyType
from typing import Any, TypeVar

from task_gateway import config, settings
from task_gateway.controllers.base import Controller, default
from task_gateway.deferred import yaml
from task_gateway.errors import TaskGatewayError, ToolMissing, UsageError
from task_gateway.kube import helm
from task_gateway.kube.client import Kube
from task_gateway.kube.kinds import POD
from task_gateway.kube.wait import condition, wait_for
from task_gateway.model import OPERATOR, Address, Cluster, InternalTaskGateway, MasterConfig
from task_gateway.probe.versions import image_versions
from task_gateway.routing.gateway_api import GATEWAY
from task_gateway.routing.names import CHART, CRDS_CHART, CRDS_NAMESPACE
from task_gateway.routing.strategies.base import STRATEGIES
from task_gateway.version import __version__
from task_gateway_lab.clusters import base, hub_image, operator_image
from task_gateway_lab.clusters.kind import node_address
from task_gateway_lab.clusters.kind_config import IpFamily
from task_gateway_lab.master import browser, identity, manifests
from task_gateway_lab.master.managed_cluster import ManagedCluster
from task_gateway_lab.master.platform import Platform
from task_gateway_lab.master.stand_in_master import StandInMaster
from task_gateway_lab.scenarios import evidence
from task_gateway_lab.scenarios.borrowed import BorrowedClusters
from task_gateway_lab.scenarios.cluster_set import ClusterSet
from task_gateway_lab.scenarios.places import ADDITIONAL, DEFAULT, FIRST_PORT, MASTER_PORT, OWN_LISTENERS, PORTS
from task_gateway_lab.scenarios.steps import StepRecorder

T = TypeVar("T")


@dataclass(frozen=True)
class EnvironmentSpec:
    """The options of an environment: a name for its clusters, the packaged charts, the image of tasks, and more.

    With `against` (contexts of the user's kubeconfig, the master's cluster first) the run uses existing clusters, in
    its own namespaces, which are removed at its end. `no_ipv6` is why temporary clusters only have IPv4; if it is empty
    they have both families. `images` is the source of the images, `pull` or `build`. `operator` is the archive of the
    operator's image; with it, the chart also installs the operator.
    """

    name: str
    chart: Path
    crds: Path
    image: str
    additional: tuple[str, ...] = ADDITIONAL
    controller: Controller = field(default_factory=default)
    keep: bool = False
    against: tuple[str, ...] = ()
    master_port: int = MASTER_PORT
    first_port: int = FIRST_PORT
    images: str = ""
    no_ipv6: str = "the clusters of this run have IPv4 only"
    operator: Path | None = None

    @property
    def spaces(self) -> dict[str, str]:
        """The namespaces of master, tasks and gateways; in existing clusters their names begin with the run's name."""
        return {key: f"{self.name}-{space}" if self.against else space for key, space in data()["namespaces"].items()}


@cache
def data() -> Mapping[str, Any]:
    """Return environment.yaml: the release, its namespaces, the master's configuration, and the notebooks' cell."""
    found: dict[str, Any] = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text("utf-8"))
    return found


class Environment:
    """The clusters of one run, the releases in them, and the master. Call `up` first, and `close` at the end."""

    def __init__(self, spec: EnvironmentSpec) -> None:
        self.spec = spec
        self.spaces = spec.spaces
        self.versions = {
            "task-gateway": __version__,
            "chart": spec.chart.stem.removeprefix(f"{CHART}-"),
            "controller": spec.controller.title,
        }
        self.clusters: dict[str, ManagedCluster] = {}
        self.kubes: dict[str, Kube] = {}
        self.config: MasterConfig | None = None
        self.evidence: list[Path] = []
        self._master: StandInMaster | None = None
        self._made: dict[str, Any] = {}
        self._lock = threading.Lock()
        self._files = ExitStack()
        self._lent = BorrowedClusters(self.spaces, data()["release"])
        names = [f"{spec.name}-{each}" for each in (DEFAULT, *spec.additional)]
        self._clusters = ClusterSet(names, ip_family=IpFamily.ipv4 if spec.no_ipv6 else IpFamily.dual)

    @property
    def namespaces(self) -> tuple[str, ...]:
        """The namespaces of the master, the tasks, the gateways and the hub."""
        return tuple(self.spaces.values())

    @property
    def facts(self) -> dict[str, str]:
        """Variables of the manual commands: the kubeconfigs of the clusters, the namespaces, and labels."""
        files = {f"{name}_kubeconfig": _options(managed.kube.cluster) for name, managed in self.clusters.items()}
        spaces = {f"{name}_namespace": space for name, space in self.spaces.items()}
        labels = {
            "controller_labels": self.spec.controller.labels,
            "proxy_labels": self.spec.controller.proxies(data()["release"], self.spaces["gateway"]),
        }
        return {**files, **spaces, **labels, "release": data()["release"], "image": self.spec.image}

    def missing_requirement(self, needs: Sequence[str], tags: Sequence[str] = ()) -> str:
        """Return why a scenario with these needs (keys of NEEDS) cannot run here, empty if it can."""
        return next((reason for need in needs if (reason := NEEDS[need](self))), "")

    @property
    def platform(self) -> Platform:
        """The master, with the protocol of every master; UsageError before it was started."""
        return self.stand_in_master

    @property
    def stand_in_master(self) -> StandInMaster:
        """The master, with everything that only a stand-in has; UsageError before it was started."""
        if self._master is None:
            raise UsageError("the master was not started")
        return self._master

    def once(self, name: str, make: Callable[[], T]) -> T:
        """Return the result of the first call with that name; concurrent calls wait for it."""
        with self._lock:
            if name not in self._made:
                self._made[name] = make()
            made: T = self._made[name]
            return made

    @contextmanager
    def running(self, steps: StepRecorder, folder: Path) -> Iterator[None]:
        """Bring everything up, and always close it; an error of the context has priority over one of the clean-up.

        If it does not come up, the evidence is written to `folder`, and `evidence` has its files.
        """
        with ExitStack() as stack:
            stack.callback(self.close, steps)
            try:
                try:
                    self.up(steps)
                except Exception as error:
                    if self.kubes:
                        self.evidence = evidence.collect(folder, error, self.kubes.items(), self.namespaces)
                    raise
                yield
            except BaseException:
                stack.pop_all()
                with suppress(TaskGatewayError):
                    self.close(steps)
                raise

    def up(self, steps: StepRecorder) -> None:
        """Bring everything up; each step shows what it waits for."""
        home, *others = self._bring_up(steps)
        with steps.step("master configuration read") as note:
            text = self.master_text(dict(zip(self.spec.additional, others, strict=True)), home)
            self.config = config.parse(text, "master.yaml")
            note.detail = ", ".join(each.name for each in self.config.resource_managers)
        tasks = self.spaces["tasks"]
        self.clusters[DEFAULT] = ManagedCluster(self.config.default, home, tasks)
        managed_clusters = [
            ManagedCluster(manager, kube, tasks) for manager, kube in zip(self.config.additional, others, strict=True)
        ]
        if self.spec.operator is not None:
            with steps.step("operator's image loaded") as note:
                for each in others:
                    base.load(each.cluster.name, self.spec.operator)
                note.detail = operator_image.NAME
        with (
            steps.step("chart installed, Gateways Programmed") as note,
            ThreadPoolExecutor(len(managed_clusters)) as pool,
        ):
            installed = list(pool.map(self.install, managed_clusters))
            note.detail = "; ".join(
                f"{managed.name}: {found}" for managed, found in zip(managed_clusters, installed, strict=True)
            )
        folder = Path(self._files.enter_context(tempfile.TemporaryDirectory(prefix="task-gateway-")))
        self.clusters |= {managed.name: self._as_master(managed, folder) for managed in managed_clusters}
        with steps.step("master started in the default cluster") as note:
            address = Address(node_address(home), self.spec.master_port)
            self._master = StandInMaster(self.clusters, self.spec.image, self.spaces["master"], address)
            self._master.start()
            note.detail = f"http://{address}"

    def install(self, managed: ManagedCluster, more: Mapping[str, Any] = MappingProxyType({})) -> str:
        """Install the chart for a gateway, or upgrade it, and wait until it is Programmed; return a summary."""
        kube, gateway, controller = managed.kube, managed.block, self.spec.controller
        nodes = () if self.spec.against else node_addresses(kube)
        own = chart_values(gateway, self.spaces["tasks"], nodes)
        ports = controller.task_ports(*OWN_LISTENERS)
        one_pod = controller.one_pod  # scenarios stop it and start it again
        operator = {} if self.spec.operator is None else operator_image.VALUES
        found = helm.merged(controller.values(self.spec.chart), one_pod, ports, own, operator, more)
        kube.apply(identity.account(self.spaces["tasks"]))
        if self.spec.against:
            self._lent.require_crds(kube)
            first, last = gateway.gateway_port_range_start, gateway.gateway_port_range_end
            self._lent.require_ports(kube, gateway.gateway_ip, range(first, last + 1))
            if self._lent.has_controller(kube, controller):
                found |= controller.reused()
        else:
            helm.install(kube.cluster, CRDS_CHART, self.spec.crds, CRDS_NAMESPACE, controller.crds)
        helm.install(kube.cluster, data()["release"], self.spec.chart, gateway.gateway_namespace, found)
        name, namespace = gateway.gateway_name, gateway.gateway_namespace
        wait_for(kube, settings.GATEWAY_PROGRAMMED, GATEWAY, name, namespace, condition("Programmed"))
        if operator:
            operator_image.wait_until_ready(kube, name, namespace)
        self.versions |= image_versions(kube.list(POD, namespace))
        count = sum(each["count"] for each in found["slots"])
        parts = f"{count} slots{', operator' if operator else ''}"
        return f"Gateway {namespace}/{name} at {gateway.gateway_ip}, {parts}"

    def master_text(self, others: Mapping[str, Kube], home: Kube) -> str:
        """Return a master's configuration for its own cluster and for others, by resource manager."""
        common = {
            "tasks_namespace": self.spaces["tasks"],
            "gateway_name": data()["release"],
            "gateway_namespace": self.spaces["gateway"],
            "first": self.spec.first_port,
            "last": self.spec.first_port + PORTS - 1,
        }
        parts = [Template(data()["default"]).substitute(common, cluster=home.cluster.name)]
        for name, kube in others.items():
            words = {"name": name, "cluster": kube.cluster.name, "kubeconfig": kube.cluster.kubeconfig}
            text = Template(data()["additional"]).substitute(common, **words, gateway_ip=node_address(kube))
            parts.append(textwrap.indent(text, "  "))
        return "".join(parts)

    def close(self, steps: StepRecorder) -> None:
        """Remove everything that the run created or, if it is kept, show how to access it."""
        self._files.close()
        if self.spec.keep and self.kubes:
            with steps.step("clusters kept") as note:
                files = ":".join(dict.fromkeys(str(kube.cluster.kubeconfig) for kube in self.kubes.values()))
                note.detail = f"export KUBECONFIG={files}"
                if not self.spec.against:
                    note.detail += f"; task-gateway cluster down {'|'.join(self.kubes)}"
        elif self._lent.made:
            with steps.step("namespaces of the run removed"):
                self._lent.give_back()
        elif self._clusters.made:
            with steps.step("clusters removed"):
                self._clusters.down()

    def _as_master(self, managed: ManagedCluster, folder: Path) -> ManagedCluster:
        """Return a cluster whose gateway is used only with the permissions that the chart grants a resource manager."""
        file = folder / f"{managed.name}.kubeconfig"
        limited = replace(managed, identity=identity.act_as(managed.kube, managed.namespace, file))
        return replace(limited, gateway=limited.connect())

    def _bring_up(self, steps: StepRecorder) -> list[Kube]:
        """Return the clusters, the master's own first, and create the namespace of tasks in each."""
        if self.spec.against:
            with steps.step("clusters checked, namespaces created") as note:
                self.kubes |= self._lent.connect(self.spec.against)
                note.detail = ", ".join(self.kubes)
        else:
            with steps.step(f"{len(self._clusters.names)} clusters created") as note:
                for cluster in self._clusters.up(note.say):
                    self.kubes[cluster.name] = kube = Kube(cluster)
                    kube.apply(manifests.namespace(self.spaces["tasks"], manifests.RESTRICTED))
                note.detail = ", ".join(self.kubes)
        for kube in self.kubes.values():
            self.versions["kubernetes"] = kube.version()
        return list(self.kubes.values())


def _options(cluster: Cluster) -> str:
    """Return the text after `--kubeconfig` that selects this cluster in kubectl and task-gateway."""
    return f"{cluster.kubeconfig} --context {cluster.context}" if cluster.context else str(cluster.kubeconfig)


def chart_values(gateway: InternalTaskGateway, tasks_namespace: str, nodes: Sequence[str] = ()) -> dict[str, Any]:
    """Return the chart's values for the gateway in the master's configuration.

    With `nodes`, the addresses of the cluster's nodes, the Gateway also has their IPv6 addresses.
    """
    start, end = gateway.gateway_port_range_start, gateway.gateway_port_range_end
    addresses = list(dict.fromkeys([gateway.gateway_ip, *(each for each in nodes if _version(each) == 6)]))
    both = {"envoy": {"service": {"ipFamily": "DualStack"}}} if len(addresses) > 1 else {}
    return both | {
        "gateway": {"name": gateway.gateway_name, "addresses": addresses},
        "slots": [{"namespace": tasks_namespace, "start": start, "count": end - start + 1}],
        "rbac": {"strategies": STRATEGIES.names(), "subjects": [identity.subject(tasks_namespace)]},
    }


def _chromium(environment: Environment) -> str:
    try:
        browser.find()
    except ToolMissing as missing:
        return missing.message
    return ""


def _ipv6(environment: Environment) -> str:
    for name, kube in environment.kubes.items():
        if not any(_version(each) == 6 for each in node_addresses(kube)):
            return (
                f"the nodes of cluster {name} have no IPv6 address"
                if environment.spec.against
                else environment.spec.no_ipv6
            )
    return ""


def _absence(environment: Environment, what: str, there: object) -> str:
    return "" if there else f"{environment.spec.controller.title} {what}"


def _version(address: str) -> int:
    return ipaddress.ip_address(address).version


def node_addresses(kube: Kube) -> list[str]:
    """Return the addresses of a cluster's nodes."""
    found = [each for node in kube.list("v1/Node") for each in node["status"]["addresses"]]
    return [each["address"] for each in found if each["type"] == "InternalIP"]


NEEDS: Mapping[str, Callable[[Environment], str]] = {
    "chromium": _chromium,
    OPERATOR: lambda environment: (
        "" if environment.spec.operator else "the clusters do not have the image of the operator"
    ),
    "temporary clusters": lambda environment: "the clusters are not temporary" if environment.spec.against else "",
    "a controller of the chart": lambda environment: _absence(
        environment, "is not installed by the chart", environment.spec.controller.pod_annotations
    ),
    "two gateways": lambda environment: (
        "" if len(environment.clusters) > 2 else "there is only one additional resource manager"
    ),
    "ipv6": _ipv6,
    "jupyterhub": lambda environment: hub_image.lacking(environment.spec.chart.parent),
}
"""The needs of scenarios, each with a function that returns why it is not met."""
