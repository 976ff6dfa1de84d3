"""Tasks of a Determined master: the NetworkPolicy of the lane admits Envoy and pods of the master, and no others."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from tests.apiserver.determined import LABEL, DeterminedMaster
from tests.faults.serving import SERVER, greeting, greeting_of
from tests.faults.watching import until
from tests.policies.conftest import NAMESPACE, NO_ANSWER, OPEN, POLICIES_SECONDS, RELEASE, connect
from tests.task_pod import task_pod

from offline import policy_node
from task_gateway.controllers import base as controllers
from task_gateway.kube import helm
from task_gateway.kube.client import Kube
from task_gateway.kube.wait import condition, wait_for
from task_gateway.model import Address, Cluster, InternalTaskGateway, Manifest
from task_gateway.routing.gateway_api import GATEWAY
from task_gateway.routing.names import CRDS_CHART, CRDS_NAMESPACE
from task_gateway.routing.reach import wait_until_answers
from task_gateway.settings import GATEWAY_PROGRAMMED, POD_READY
from task_gateway_lab.clusters import base, operator_image
from task_gateway_lab.clusters.kind import node_address

ROOT = Path(__file__).parents[2]
TASKS, START, COUNT = "tasks", 24000, 2
TASK, TRIAL = "notebook.1", "trial.1"
PODS = {"notebook": TASKS, "trial": TASKS, "neighbour": TASKS, "stranger": "elsewhere"}
ALLOCATIONS = {"notebook": TASK, "trial": TRIAL}
"""The pods of the master; the two others do not belong to it."""
OPERATOR = f"app.kubernetes.io/name={RELEASE}-operator"
PORT, METRICS = 8888, 8080
"""The port of each task in the routes of the master, and that of the operator's metrics."""


@dataclass(frozen=True)
class LaneCluster:
    """The cluster, the port of the notebook, and what `helm upgrade` needs to change the policies."""

    cluster: Cluster
    kube: Kube
    chart: Path
    values: Manifest
    master: DeterminedMaster
    exposed: Address

    def upgrade(self, *, enforced: bool) -> None:
        values = helm.merged(self.values, {"networkPolicy": {"enabled": enforced}})
        helm.install(self.cluster, RELEASE, self.chart, NAMESPACE, values)

    def at(self, pod: str) -> Address:
        return Address(str(self.kube.get("v1/Pod", pod, PODS[pod])["status"]["podIP"]), PORT)

    def operator(self) -> Address:
        pod, *_ = self.kube.list("v1/Pod", NAMESPACE, OPERATOR)
        return Address(str(pod["status"]["podIP"]), METRICS)

    def connect(self, pod: str, *addresses: Address) -> list[str]:
        return connect(self.cluster, PODS[pod], pod, *addresses)

    def wait_for_policies(self, answer: str) -> None:
        """Return when connections from a stranger to the task have that result."""

        def unlike() -> str:
            (found,) = self.connect("stranger", self.at("notebook"))
            return "" if found == answer else f"from a stranger, {found}"

        until(unlike, POLICIES_SECONDS)


@pytest.fixture(scope="module", params=controllers.names())
def lane(request: pytest.FixtureRequest) -> Iterator[LaneCluster]:
    dist = ROOT / "dist"
    (chart,), (crds,) = dist.glob("internal-task-gateway-*.tgz"), dist.glob("gateway-api-crds-*.tgz")
    controller = controllers.CONTROLLERS.get(request.param)
    requested = base.ClusterRequest(f"test-lane-policies-{os.getpid()}", node=policy_node.image())
    with base.temporary_cluster("kind", requested, say=print) as cluster:
        kube = Kube(cluster)
        base.load(cluster.name, operator_image.archive(dist))
        for namespace in sorted({*PODS.values(), NAMESPACE}):
            kube.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
        profile = yaml.safe_load((ROOT / "charts" / "gateway-api-crds" / "determined.yaml").read_text())
        helm.install(cluster, CRDS_CHART, crds, CRDS_NAMESPACE, helm.merged(controller.crds, profile))
        address = node_address(kube)
        values = helm.merged(
            controller.values(chart),
            yaml.safe_load(controllers.packaged(chart, "determined-lane.yaml")),
            operator_image.VALUES,
            {"operator": {"determined": {"namespace": TASKS, "start": START, "count": COUNT}}},
            {"gateway": {"addresses": [address]}, "contour": {"replicas": 1}},
        )
        helm.install(cluster, RELEASE, chart, NAMESPACE, values)
        wait_for(kube, GATEWAY_PROGRAMMED, GATEWAY, RELEASE, NAMESPACE, condition("Programmed"))
        operator_image.wait_until_ready(kube, RELEASE, NAMESPACE)
        for pod in PODS:
            kube.create(serving(pod))
        for pod, namespace in PODS.items():
            wait_for(kube, POD_READY, "v1/Pod", pod, namespace, condition("Ready"))
        gateway = InternalTaskGateway(f"{RELEASE}-determined", NAMESPACE, address, START, START + COUNT - 1)
        master = DeterminedMaster(kube, gateway, TASKS)
        exposed = Address(address, master.open_port(TASK))
        wait_until_answers(exposed)
        yield LaneCluster(cluster, kube, chart, values, master, exposed)


def serving(pod: str) -> Manifest:
    """Return a pod that sends its name, with the label of the master if it belongs to it."""
    made = task_pod(pod, PODS[pod], SERVER, PORT)
    made["metadata"]["labels"] = {LABEL: ALLOCATIONS[pod]} if pod in ALLOCATIONS else {"role": pod}
    return made


def test_without_policies_every_pod_reaches_the_task_and_the_operator(lane: LaneCluster) -> None:
    for pod in ("trial", "neighbour", "stranger"):
        assert lane.connect(pod, lane.at("notebook"), lane.operator()) == [OPEN, OPEN]


def test_with_policies_only_envoy_and_the_masters_pods_reach_the_task(lane: LaneCluster) -> None:
    lane.upgrade(enforced=True)
    lane.wait_for_policies(NO_ANSWER)
    assert greeting_of(lane.exposed) == greeting("notebook", PORT)
    assert lane.connect("trial", lane.at("notebook"), lane.exposed) == [OPEN, OPEN]
    for pod in ("neighbour", "stranger"):
        assert lane.connect(pod, lane.at("notebook"), lane.exposed) == [NO_ANSWER, OPEN]
        assert lane.connect(pod, lane.at("neighbour")) == [OPEN]


def test_with_policies_no_pod_reaches_the_operator_which_exposes_the_next_task(lane: LaneCluster) -> None:
    lane.upgrade(enforced=True)
    lane.wait_for_policies(NO_ANSWER)
    for pod in PODS:
        assert lane.connect(pod, lane.operator()) == [NO_ANSWER]
    address = Address(lane.exposed.host, lane.master.open_port(TRIAL))
    wait_until_answers(address)
    assert greeting_of(address) == greeting("trial", PORT)
