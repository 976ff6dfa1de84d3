"""What scenarios are played in: clusters side by side, a gateway in each but the master's own, and the master."""

import ipaddress
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from types import MappingProxyType
from typing import Any

import yaml

from task_gateway import __version__, config, settings
from task_gateway.clusters.kind import node_address
from task_gateway.clusters.versions import image_versions
from task_gateway.errors import TaskGatewayError, ToolMissing, UsageError
from task_gateway.kube import helm
from task_gateway.kube.client import Kube
from task_gateway.kube.kinds import POD
from task_gateway.kube.wait import condition, wait_for
from task_gateway.master import browser, manifests
from task_gateway.master.sides import Side
from task_gateway.master.stand_in import StandIn
from task_gateway.model import Address, InternalTaskGateway, MasterConfig
from task_gateway.routing.gateway import TaskGateway
from task_gateway.routing.gateway_api import GATEWAY
from task_gateway.routing.names import CHART, CRDS_CHART, CRDS_NAMESPACE
from task_gateway.scenarios.pair import Clusters
from task_gateway.scenarios.steps import Steps

DATA: dict[str, Any] = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text("utf-8"))
DEFAULT, ADDITIONAL = "default", ("east", "west")


@dataclass(frozen=True)
class Given:
    """What a world is made of: a name for its clusters, the packaged chart, the image of tasks, and where it is kept.

    `values` go to the chart beside those that the master's configuration demands.
    """

    name: str
    chart: Path
    crds: Path
    image: str
    additional: tuple[str, ...] = ADDITIONAL
    values: Mapping[str, Any] = field(default_factory=dict)
    keep: bool = False


class World:
    """The clusters of one run, what was installed in them, and the master; `up` before anything else, then `close`."""

    def __init__(self, given: Given) -> None:
        self.given = given
        self.versions = {"task-gateway": __version__, "chart": given.chart.stem.removeprefix(f"{CHART}-")}
        self.sides: dict[str, Side] = {}
        self.kubes: dict[str, Kube] = {}
        self.master: StandIn | None = None
        self.config: MasterConfig | None = None
        names = [f"{given.name}-{each}" for each in (DEFAULT, *given.additional)]
        self._clusters = Clusters(names)

    @property
    def namespaces(self) -> tuple[str, ...]:
        """The namespaces of the master, the tasks and the gateways."""
        return tuple(DATA["namespaces"].values())

    @property
    def facts(self) -> dict[str, str]:
        """Words for the commands by hand: where the clusters and namespaces are."""
        files = {f"{name}_kubeconfig": str(side.kube.cluster.kubeconfig) for name, side in self.sides.items()}
        spaces = {f"{name}_namespace": space for name, space in DATA["namespaces"].items()}
        return {**files, **spaces, "release": DATA["release"], "image": self.given.image}

    def lacks(self, need: str) -> str:
        """Return why a need (a key of NEEDS) is not met here, empty if it is."""
        return NEEDS[need](self)

    @property
    def platform(self) -> StandIn:
        """The master; UsageError before it was started."""
        if self.master is None:
            raise UsageError("the master was not started")
        return self.master

    def up(self, steps: Steps) -> None:
        """Bring everything up; each step says what it waits for."""
        with steps.step(f"{len(self._clusters.names)} clusters side by side") as note:
            for cluster in self._clusters.up(note.say):
                self.kubes[cluster.name] = kube = Kube(cluster)
                self.versions["kubernetes"] = kube.version()
                kube.apply(manifests.namespace(DATA["namespaces"]["tasks"], manifests.RESTRICTED))
            note.detail = ", ".join(self.kubes)
        with steps.step("master configuration read") as note:
            home, *others = self.kubes.values()
            text = master_config(home, dict(zip(self.given.additional, others, strict=True)))
            self.config = config.parse(text, "master.yaml")
            note.detail = ", ".join(each.name for each in self.config.resource_managers)
        spaces = DATA["namespaces"]
        self.sides[DEFAULT] = Side(self.config.default, home, spaces["tasks"])
        for manager, kube in zip(self.config.additional, others, strict=True):
            gateway = manager.internal_task_gateway
            if gateway is None:
                raise UsageError(f"resource manager {manager.name} has no internal_task_gateway")
            with steps.step(f"{manager.name}: chart installed, Gateway Programmed") as note:
                note.detail = self.install(kube, gateway)
            tasks = TaskGateway(kube, gateway, spaces["tasks"])
            self.sides[manager.name] = Side(manager, kube, spaces["tasks"], tasks)
        with steps.step("master started in the default cluster") as note:
            address = Address(node_address(home), DATA["master_port"])
            self.master = StandIn(self.sides, self.given.image, spaces["master"], address)
            self.master.start()
            note.detail = f"http://{address}"

    def install(self, kube: Kube, gateway: InternalTaskGateway, more: Mapping[str, Any] = MappingProxyType({})) -> str:
        """Install the chart for a gateway, or upgrade it, and wait until it is Programmed; return what there is."""
        found = chart_values(gateway, DATA["namespaces"]["tasks"]) | dict(self.given.values) | dict(more)
        helm.install(kube.cluster, CRDS_CHART, self.given.crds, CRDS_NAMESPACE)
        helm.install(kube.cluster, DATA["release"], self.given.chart, gateway.gateway_namespace, found)
        name, namespace = gateway.gateway_name, gateway.gateway_namespace
        wait_for(kube, settings.GATEWAY_PROGRAMMED, GATEWAY, name, namespace, condition("Programmed"))
        self.versions |= image_versions(kube.list(POD, namespace))
        return f"Gateway {namespace}/{name} at {gateway.gateway_ip}, {found['slots']['count']} slots"

    def close(self, steps: Steps) -> None:
        """Remove the clusters, or say how to look at them."""
        if self.given.keep and self.kubes:
            with steps.step("clusters kept") as note:
                files = ":".join(str(kube.cluster.kubeconfig) for kube in self.kubes.values())
                note.detail = f"export KUBECONFIG={files}; task-gateway cluster down {'|'.join(self.kubes)}"
        elif self._clusters.made:
            with steps.step("clusters removed"):
                self._clusters.down()


def master_config(home: Kube, others: Mapping[str, Kube]) -> str:
    """Return the text of the master's configuration for its own cluster and others, by resource manager."""
    spaces = DATA["namespaces"]
    common = {
        "tasks_namespace": spaces["tasks"],
        "gateway_name": DATA["release"],
        "gateway_namespace": spaces["gateway"],
    }
    parts = [Template(DATA["default"]).substitute(common, cluster=home.cluster.name)]
    for name, kube in others.items():
        words = {"name": name, "cluster": kube.cluster.name, "kubeconfig": kube.cluster.kubeconfig}
        text = Template(DATA["additional"]).substitute(common, **words, gateway_ip=node_address(kube))
        parts.append(textwrap.indent(text, "  "))
    return "".join(parts)


def chart_values(gateway: InternalTaskGateway, tasks_namespace: str) -> dict[str, Any]:
    """Return what the chart is installed with so that it serves what the master is told."""
    start, end = gateway.gateway_port_range_start, gateway.gateway_port_range_end
    return {
        "gateway": {"name": gateway.gateway_name, "addresses": [gateway.gateway_ip]},
        "slots": {"namespace": tasks_namespace, "start": start, "count": end - start + 1},
    }


def _chromium(world: World) -> str:
    try:
        browser.find()
    except ToolMissing as missing:
        return missing.message
    return ""


def _ipv6(world: World) -> str:
    for name, kube in world.kubes.items():
        try:
            found = [each["address"] for node in kube.list("v1/Node") for each in node["status"]["addresses"]]
        except TaskGatewayError as problem:
            return problem.message
        if not any(_is_ipv6(each) for each in found):
            return f"the nodes of cluster {name} have no IPv6 address"
    return ""


def _is_ipv6(text: str) -> bool:
    try:
        return ipaddress.ip_address(text).version == 6
    except ValueError:
        return False


NEEDS: Mapping[str, Callable[[World], str]] = {
    "chromium": _chromium,
    "clusters of our own": lambda world: "",
    "two gateways": lambda world: "" if len(world.sides) > 2 else "there is one additional resource manager only",
    "ipv6": _ipv6,
}
"""What a scenario may need, each with what tells why it is not there."""
