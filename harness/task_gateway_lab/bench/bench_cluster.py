"""Prepares measurements: a kind cluster, in which the chart is installed for each controller and number of slots."""

import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from task_gateway.controllers.base import Controller
from task_gateway.kube import helm
from task_gateway.kube.kinds import SERVICE
from task_gateway.kube.wait import condition, wait_for
from task_gateway.model import Cluster, InternalTaskGateway, Say
from task_gateway.routing import names
from task_gateway.routing.gateway import TaskGateway
from task_gateway.settings import Wait
from task_gateway_lab.bench.combos import FIRST_PORT, FIRST_TASK_PORT, TASK_PORTS, Combo, crds
from task_gateway_lab.bench.fake_pods import FakePods
from task_gateway_lab.bench.labels import LabelExposer
from task_gateway_lab.bench.meters import MeteredKube
from task_gateway_lab.bench.ways import Exposer, LibraryExposer
from task_gateway_lab.clusters import base, operator_image
from task_gateway_lab.clusters.kind import node_address

RELEASE, NAMESPACE = "itg", "gateways"
PLACEHOLDER = 1024
ROUTING = "gateway.networking.k8s.io/v1"
GATEWAY = f"{ROUTING}/Gateway"
TASK_KINDS = (SERVICE, f"{ROUTING}/TCPRoute")
THREADS = 8
PROGRAMMED = Wait("gateway-programmed", "the Gateway with all its slots is Programmed", 1800)
INSTALL_SECONDS = 900
"""How long Helm waits for an installation, on a cluster that may have thousands of slots already."""


@dataclass(frozen=True)
class Place:
    """Where a release is installed: its name and namespace, its first port, and the port of its placeholder.

    `brings_controller` is False for a release that uses the controller of another one.
    """

    release: str = RELEASE
    namespace: str = NAMESPACE
    first_port: int = FIRST_PORT
    placeholder: int = PLACEHOLDER
    brings_controller: bool = True


ONLY = Place()
"""The place of the only release in a cluster."""


@dataclass(frozen=True)
class Charts:
    """The packaged charts and, if the operator is measured, the archive of its image."""

    gateway: Path
    crds: Path
    operator: Path | None = None


@dataclass(frozen=True)
class BenchCluster:
    """A cluster with the CRDs for one controller, and the tasks to expose."""

    controller: Controller
    cluster: Cluster
    kube: MeteredKube
    tasks: FakePods
    address: str
    charts: Charts

    @property
    def node(self) -> str:
        """The real node, which runs all containers."""
        return f"{self.cluster.name}-control-plane"


@contextmanager
def bring_up(controller: Controller, charts: Charts, *, say: Say) -> Iterator[BenchCluster]:
    """Bring up a cluster for one controller, and always remove it."""
    with base.temporary_cluster(
        "kind", base.ClusterRequest(f"bench-{os.getpid()}-{controller.name}"), say=say
    ) as cluster:
        kube = MeteredKube(cluster)
        say(f"{controller.name}: installing the CRDs, and the pod that answers for all tasks")
        helm.install(cluster, names.CRDS_CHART, charts.crds, names.CRDS_NAMESPACE, crds(controller))
        if charts.operator is not None:
            base.load(cluster.name, charts.operator)
        address = node_address(kube)
        with FakePods(kube, NAMESPACE, leave=True) as tasks:
            yield BenchCluster(controller, cluster, kube, tasks, address, charts)


def install(
    bench: BenchCluster, combo: Combo, *, say: Say, before: Combo | None = None, place: Place = ONLY
) -> InternalTaskGateway:
    """Install the chart for one combination, and return the gateway for a master's configuration.

    `before` is the combination that is installed. If only the operator differs, the release is upgraded. Otherwise it
    is removed first: earlier measurements must not affect the memory of controller and Envoy.
    """
    if before is not None and combo.same_installation(before):
        say(f"{combo.controller}: upgrading the chart from {before.strategy} to {combo.strategy}, with the same slots")
    else:
        say(f"{combo.controller}: removing what was installed before")
        helm.uninstall(bench.cluster, place.release, place.namespace)
        _sweep(bench.kube, place.namespace)
        say(f"{combo.controller}: installing the chart with {combo.slots} slots")
    found = values(bench.controller, bench.charts.gateway, combo, bench.address, place)
    helm.install(
        bench.cluster, place.release, bench.charts.gateway, place.namespace, found, timeout_seconds=INSTALL_SECONDS
    )
    say(f"{combo.controller}: waiting until {PROGRAMMED.sentence}")
    wait_for(bench.kube, PROGRAMMED, GATEWAY, place.release, place.namespace, condition("Programmed"))
    bench.tasks.carry_task_label(carry=not combo.way.by_label)
    if combo.way.by_label:
        operator_image.wait_until_ready(bench.kube, place.release, place.namespace)
    first, count = (place.first_port, combo.claimed) if combo.claimed else (FIRST_TASK_PORT, TASK_PORTS)
    return InternalTaskGateway(place.release, place.namespace, bench.address, first, first + count - 1)


@contextmanager
def exposing(
    bench: BenchCluster, combo: Combo, *, say: Say, before: Combo | None = None, place: Place = ONLY
) -> Iterator[Exposer]:
    """Install the chart for a combination, and yield a client that exposes tasks in its way.

    `before` is the combination that is installed.
    """
    gateway = install(bench, combo, say=say, before=before, place=place)
    if combo.way.by_label:
        with LabelExposer(bench.kube, gateway, place.namespace) as labels:
            yield labels
    else:
        with TaskGateway(bench.kube, gateway, place.namespace, combo.strategy) as tasks:
            yield LibraryExposer(tasks, bench.kube)


def _sweep(kube: MeteredKube, namespace: str) -> None:
    """Remove the objects of exposed tasks. No controller serves them any more, so they are deleted at once."""
    for kind in TASK_KINDS:
        left = kube.list(kind, namespace, labels=names.STRATEGY_LABEL) if kube.served(kind) else []
        with ThreadPoolExecutor(THREADS) as pool:
            for each in left:
                pool.submit(kube.delete, kind, each["metadata"]["name"], namespace)


def values(controller: Controller, chart: Path, combo: Combo, address: str, place: Place = ONLY) -> Mapping[str, Any]:
    """Return the chart's values for a combination: the controller's values file, and the values to measure."""
    gateway = {"addresses": [address], "placeholderPort": place.placeholder}
    own: Mapping[str, Any] = {"gateway": gateway, "slots": [{"start": place.first_port, "count": combo.slots}]}
    layers = [controller.values(chart), own, controller.one_pod]  # a second pod would do the same work on the same node
    if not place.brings_controller:
        layers.append({"controller": {"install": False}})
    if combo.way.by_label:
        layers += [operator_image.VALUES, {"operator": {"replicas": 1}}]
    if not combo.way.claims:
        layers += [controller.unlimited, controller.task_ports(FIRST_TASK_PORT, TASK_PORTS)]
    return helm.merged(*layers)
