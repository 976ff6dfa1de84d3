"""A real API server and etcd, as processes, for one session; and one with a gateway to expose tasks."""

import os
from collections.abc import Iterator

import pytest
from tests.apiserver.planes import apply_chart, gateway_api
from tests.apiserver.strategies import NAMESPACE, ROUTE, SLOTS, StrategySite

from task_gateway.kube.client import Kube
from task_gateway.kube.kinds import SERVICE
from task_gateway.model import TASK_LABEL, Cluster
from task_gateway.routing.gateway_api import GATEWAY, LISTENER_SET
from task_gateway_lab.clusters import base


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    name = f"test-control-plane-{os.getpid()}"
    yield base.up("control-plane", base.ClusterRequest(name), say=print)
    base.down(name)


@pytest.fixture(scope="session")
def control_plane(cluster: Cluster) -> Kube:
    return Kube(cluster)


@pytest.fixture(scope="session")
def with_crds() -> Iterator[Kube]:
    """A control plane with the CRDs of Gateway API; tests create their own namespaces."""
    with gateway_api("with-crds") as kube:
        yield kube


@pytest.fixture(scope="session")
def kube() -> Iterator[Kube]:
    """A control plane with the CRDs, and the Gateway, the templates and some slots of the chart."""
    with gateway_api("strategies", NAMESPACE, "others") as kube:
        apply_chart(
            kube,
            "gw",
            NAMESPACE,
            {"slots": [{"namespace": "others", "start": 20000, "count": 64}]},
            "gateway",
            "gatewayclass",
            "configmap",
        )
        apply_chart(kube, "gw", NAMESPACE, {"slots": [{"start": SLOTS[0], "count": len(SLOTS)}]}, "services")
        yield kube


@pytest.fixture
def site(kube: Kube) -> Iterator[StrategySite]:
    made = StrategySite(kube, 20000)
    before = kube.get(GATEWAY, "gw", NAMESPACE)["spec"]["listeners"]
    assert made.left() == []
    yield made
    kube.patch(GATEWAY, "gw", NAMESPACE, {"spec": {"listeners": before}})
    for kind in (SERVICE, ROUTE, LISTENER_SET):
        for each in kube.list(kind):
            if TASK_LABEL in (each["metadata"].get("labels") or {}) or kind == LISTENER_SET:
                kube.delete(kind, each["metadata"]["name"], each["metadata"]["namespace"])


@pytest.fixture
def share(pytestconfig: pytest.Config) -> int:
    """The divisor of the number of examples or steps: 1 if a record is written, otherwise 10."""
    return 10 if pytestconfig.getoption("fault_record", None) is None else 1
