"""One kind cluster for all faults, with the packaged chart in it, and tasks that are live all the while."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.faults import record
from tests.faults.stand import COUNT, NAMESPACE, RELEASE, START, Stand, values

from task_gateway.clusters import base
from task_gateway.clusters.kind import node_address
from task_gateway.kube import helm
from task_gateway.kube.client import Kube
from task_gateway.kube.wait import condition, wait_for
from task_gateway.model import InternalTaskGateway
from task_gateway.routing.gateway_api import GATEWAY
from task_gateway.routing.names import CRDS_CHART, CRDS_NAMESPACE
from task_gateway.settings import GATEWAY_PROGRAMMED

LIVE = tuple(f"live-{number}" for number in range(4))


@pytest.fixture(scope="session")
def site(pytestconfig: pytest.Config) -> Iterator[Stand]:
    dist = Path(__file__).parents[2] / "dist"
    (chart,), (crds,) = dist.glob("internal-task-gateway-*.tgz"), dist.glob("gateway-api-crds-*.tgz")
    with base.lent("kind", base.Wish(f"test-faults-{os.getpid()}"), say=print) as cluster:
        kube = Kube(cluster)
        address = node_address(kube)
        helm.install(cluster, CRDS_CHART, crds, CRDS_NAMESPACE)
        helm.install(cluster, RELEASE, chart, NAMESPACE, values(address))
        wait_for(kube, GATEWAY_PROGRAMMED, GATEWAY, RELEASE, NAMESPACE, condition("Programmed"))
        gateway = InternalTaskGateway(RELEASE, NAMESPACE, address, START, START + COUNT - 1)
        made = Stand(cluster, kube, gateway, chart)
        if (recorder := record.of(pytestconfig)) is not None:
            recorder.versions(kube, NAMESPACE)
        made.start(*LIVE)
        yield made


@pytest.fixture
def stand(site: Stand) -> Iterator[Stand]:
    """Four live tasks; what a test adds to them is gone after it."""
    for task in LIVE:
        site.expose(task)
    site.everything_holds()
    yield site
    site.clear(keep=LIVE)
