"""One kind cluster for the session, with the packaged chart, which pytest-helm-charts also uses."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from task_gateway.errors import CommandFailed
from task_gateway.kube import helm
from task_gateway.kube.client import Kube
from task_gateway.kube.wait import condition, wait_for
from task_gateway.model import Cluster, InternalTaskGateway
from task_gateway.routing.names import CRDS_CHART, CRDS_NAMESPACE
from task_gateway.settings import GATEWAY_PROGRAMMED
from task_gateway_lab.clusters import base, operator_image
from task_gateway_lab.clusters.kind import node_address

RELEASE = "itg"
NAMESPACE = "gateways"
START, COUNT = 20000, 6
GATEWAY = "gateway.networking.k8s.io/v1/Gateway"


@dataclass(frozen=True)
class Installed:
    """A cluster with the chart, and the gateway in the form of a master's configuration."""

    cluster: Cluster
    kube: Kube
    gateway: InternalTaskGateway


@pytest.fixture(scope="session")
def chart() -> Path:
    (package,) = (Path(__file__).parents[2] / "dist").glob("internal-task-gateway-*.tgz")
    return package


@pytest.fixture(scope="session")
def crds_chart() -> Path:
    (package,) = (Path(__file__).parents[2] / "dist").glob("gateway-api-crds-*.tgz")
    return package


@pytest.fixture(scope="session")
def kind_cluster() -> Iterator[Cluster]:
    name = f"test-{os.getpid()}"
    yield base.up("kind", base.ClusterRequest(name), say=print)
    base.down(name)


@pytest.fixture(scope="session")
def installed(kind_cluster: Cluster, chart: Path, crds_chart: Path) -> Installed:
    kube = Kube(kind_cluster)
    with pytest.raises(CommandFailed, match=f"helm install {CRDS_CHART}"):
        helm.install(kind_cluster, RELEASE, chart, NAMESPACE)
    helm.install(kind_cluster, CRDS_CHART, crds_chart, CRDS_NAMESPACE)
    address = node_address(kube)
    gateway = InternalTaskGateway(RELEASE, NAMESPACE, address, START, START + COUNT - 1)
    helm.install(kind_cluster, RELEASE, chart, NAMESPACE, without_operator(gateway))
    wait_for(kube, GATEWAY_PROGRAMMED, GATEWAY, RELEASE, NAMESPACE, condition("Programmed"))
    return Installed(kind_cluster, kube, gateway)


@pytest.fixture(scope="module")
def operator(installed: Installed, chart: Path) -> Iterator[Installed]:
    """The release with the operator, whose image is loaded into the node."""
    base.load(installed.cluster.name, operator_image.archive(chart.parent))
    helm.install(installed.cluster, RELEASE, chart, NAMESPACE, with_operator(installed.gateway))
    operator_image.wait_until_ready(installed.kube, RELEASE, NAMESPACE)
    yield installed
    helm.install(installed.cluster, RELEASE, chart, NAMESPACE, without_operator(installed.gateway))


def without_operator(gateway: InternalTaskGateway) -> dict[str, Any]:
    return {"gateway": {"addresses": [gateway.gateway_ip]}, "slots": [{"start": START, "count": COUNT}]}


def with_operator(gateway: InternalTaskGateway) -> dict[str, Any]:
    allowed = {"operator": {"allowedPorts": ["1024-65535"]}}
    return helm.merged(without_operator(gateway), operator_image.VALUES, allowed)


@pytest.fixture(scope="module")
def kube_config(kind_cluster: Cluster) -> str:
    """The kubeconfig for pytest-helm-charts, instead of its command-line option."""
    return str(kind_cluster.kubeconfig)
