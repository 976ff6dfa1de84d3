"""One kind cluster for all faults, with the packaged chart in it, and tasks that are live all the while."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.faults import record
from tests.faults.stand import COUNT, NAMESPACE, RELEASE, START, Stand

from task_gateway.clusters import base, controllers
from task_gateway.clusters.controllers import CONTOUR
from task_gateway.clusters.kind import node_address
from task_gateway.kube import helm
from task_gateway.kube.client import Kube
from task_gateway.kube.wait import condition, wait_for
from task_gateway.model import InternalTaskGateway
from task_gateway.routing.gateway_api import GATEWAY
from task_gateway.routing.names import CRDS_CHART, CRDS_NAMESPACE
from task_gateway.settings import GATEWAY_PROGRAMMED

LIVE = tuple(f"live-{number}" for number in range(4))
SLOTS_AND_TASKS = {"gateways": {"maxListeners": 128}}
"""Contour's slots are listeners of the Gateway, and those of tasks come on top."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out what cannot be: Contour has no ListenerSets, and no second listener fits beside one that is a slot."""
    items[:] = [each for each in items if _can_be(each)]


def _can_be(item: pytest.Item) -> bool:
    given = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
    if given.get("site") != CONTOUR:
        return True
    second_listener = item.name.startswith("test_somebody_else_adds_listeners_in_our_range")
    return given.get("strategy") != "listenersets" and not (second_listener and given["strategy"] == "slots")


@pytest.fixture(scope="session", params=controllers.CONTROLLERS)
def site(request: pytest.FixtureRequest, pytestconfig: pytest.Config) -> Iterator[Stand]:
    dist = Path(__file__).parents[2] / "dist"
    (chart,), (crds,) = dist.glob("internal-task-gateway-*.tgz"), dist.glob("gateway-api-crds-*.tgz")
    controller = controllers.named(request.param)
    with base.lent("kind", base.Wish(f"test-faults-{controller.name}-{os.getpid()}"), say=print) as cluster:
        kube = Kube(cluster)
        address = node_address(kube)
        raised = SLOTS_AND_TASKS if controller.name == CONTOUR else {}
        helm.install(cluster, CRDS_CHART, crds, CRDS_NAMESPACE, {**controller.crds, **raised})
        gateway = InternalTaskGateway(RELEASE, NAMESPACE, address, START, START + COUNT - 1)
        made = Stand(cluster, kube, controller, gateway, chart)
        helm.install(cluster, RELEASE, chart, NAMESPACE, made.values)
        wait_for(kube, GATEWAY_PROGRAMMED, GATEWAY, RELEASE, NAMESPACE, condition("Programmed"))
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
