"""A gateway, tasks and other pods on a cluster that enforces NetworkPolicies, with and without those of the chart."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from tests.cluster.test_slots import PORT, SERVER
from tests.faults.watching import until
from tests.matrix.test_production import ENVOYS
from tests.task_pod import task_pod

from offline import policy_node
from task_gateway.controllers import base as controllers
from task_gateway.kube import helm
from task_gateway.kube.client import Kube
from task_gateway.kube.kubectl import kubectl
from task_gateway.kube.wait import condition, wait_for
from task_gateway.model import Address, Cluster, InternalTaskGateway, Manifest, Task
from task_gateway.routing.gateway import TaskGateway
from task_gateway.routing.gateway_api import GATEWAY
from task_gateway.routing.names import CRDS_CHART, CRDS_NAMESPACE
from task_gateway.settings import GATEWAY_PROGRAMMED, POD_READY, TASK_EXPOSED
from task_gateway_lab.clusters import base
from task_gateway_lab.clusters.kind import node_address

RELEASE, NAMESPACE, COUNT = "itg", "gateways", 3
TASKS = {"task": ("tasks-a", 20000), "other-task": ("tasks-b", 21000)}
"""Exposed tasks: the namespace of each, and its first port."""
PODS = {
    "task": "tasks-a", "neighbour": "tasks-a", "other-task": "tasks-b", "stranger": "elsewhere",
    "scraper": "monitoring", "bystander": "monitoring",
}  # fmt: skip
"""All pods serve at PORT; `neighbour` has no label of a task, and the values allow `scraper`."""
SCRAPER = {
    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": PODS["scraper"]}},
    "podSelector": {"matchLabels": {"role": "scraper"}},
}
OPEN, REFUSED, NO_ANSWER = "open", "refused", "no answer"
POLICIES_SECONDS = 60.0
CONNECT = """
import json, socket, sys
from concurrent.futures import ThreadPoolExecutor
def state(where):
    host, port = where.rsplit(":", 1)
    try:
        socket.create_connection((host, int(port)), 2).close()
        return "open"
    except ConnectionRefusedError:
        return "refused"
    except TimeoutError:
        return "no answer"
with ThreadPoolExecutor(len(sys.argv)) as pool:
    print(json.dumps(list(pool.map(state, sys.argv[1:]))))
"""


@dataclass(frozen=True)
class OwnPorts:
    """The ports of Envoy and its controller that are not for tasks."""

    metrics: int
    envoy: frozenset[int]
    xds: int
    controller_metrics: int
    controller: str


OWN = {
    "envoy-gateway": OwnPorts(19001, frozenset({19001, 19002, 19003}), 18000, 19001, "control-plane=envoy-gateway"),
    "contour": OwnPorts(8002, frozenset({8002}), 8001, 8000, f"app.kubernetes.io/name={RELEASE}-contour"),
}


@dataclass(frozen=True)
class PolicySite:
    """The cluster and its pods; `enforced` is whether the chart's NetworkPolicies are installed."""

    cluster: Cluster
    kube: Kube
    controller: str
    chart: Path
    values: Manifest
    exposed: dict[str, Address] = field(default_factory=dict)
    enforced: bool = False

    @property
    def own(self) -> OwnPorts:
        return OWN[self.controller]

    @property
    def address(self) -> str:
        (address,) = self.values["gateway"]["addresses"]
        return str(address)

    @property
    def closed(self) -> str:
        """The result of a connection that the policies forbid: there is no response."""
        return NO_ANSWER if self.enforced else OPEN

    def at(self, pod: str, port: int = PORT) -> Address:
        return Address(str(self.kube.get("v1/Pod", pod, PODS[pod])["status"]["podIP"]), port)

    def envoy(self, port: int) -> Address:
        return self._at(ENVOYS[self.controller], port)

    def control(self, port: int) -> Address:
        return self._at(self.own.controller, port)

    def _at(self, labels: str, port: int) -> Address:
        (pod,) = self.kube.list("v1/Pod", NAMESPACE, labels)
        return Address(str(pod["status"]["podIP"]), port)

    def new_envoy(self) -> None:
        """Delete Envoy's pod without a grace period, and return when another one is Ready."""
        (old,) = self.kube.list("v1/Pod", NAMESPACE, ENVOYS[self.controller])
        name = old["metadata"]["name"]
        kubectl(self.cluster, "delete", "pod", name, "--namespace", NAMESPACE, "--grace-period=0", "--force")

        def missing() -> str:
            found = self.kube.list("v1/Pod", NAMESPACE, ENVOYS[self.controller])
            ready = [each for each in found if each["metadata"]["name"] != name and condition("Ready")(each) is None]
            return "" if ready and len(found) == 1 else "there is no new Envoy"

        until(missing, POD_READY.seconds)

    def connect(self, pod: str, *addresses: Address) -> list[str]:
        """Return the result of a connection from a pod to each of the addresses."""
        return connect(self.cluster, PODS[pod], pod, *addresses)

    def run(self, pod: str, program: str, *arguments: str) -> str:
        """Run a Python program in a pod and return its output."""
        return run_in(self.cluster, PODS[pod], pod, program, *arguments)

    def upgrade(self, **values: Any) -> None:
        helm.install(self.cluster, RELEASE, self.chart, NAMESPACE, self.values | values)

    def tasks(self, task: str) -> TaskGateway:
        namespace, first = TASKS[task]
        gateway = InternalTaskGateway(RELEASE, NAMESPACE, self.address, first, first + COUNT - 1)
        return TaskGateway(self.kube, gateway, namespace)


def connect(cluster: Cluster, namespace: str, pod: str, *addresses: Address) -> list[str]:
    """Return the result of a connection from a pod to each of the addresses."""
    return list(json.loads(run_in(cluster, namespace, pod, CONNECT, *map(str, addresses))))


def run_in(cluster: Cluster, namespace: str, pod: str, program: str, *arguments: str) -> str:
    """Run a Python program in a pod and return its output."""
    return kubectl(cluster, "exec", "--namespace", namespace, pod, "--", "python3", "-c", program, *arguments)


def named(enabled: bool) -> Manifest:
    """Return the values of the policies, which allow one client."""
    return {"networkPolicy": {"enabled": enabled, "taskPeers": [SCRAPER], "metricsPeers": [SCRAPER]}}


@pytest.fixture(scope="module", params=controllers.names())
def built(request: pytest.FixtureRequest) -> Iterator[PolicySite]:
    dist = Path(__file__).parents[2] / "dist"
    (chart,), (crds,) = dist.glob("internal-task-gateway-*.tgz"), dist.glob("gateway-api-crds-*.tgz")
    controller = controllers.CONTROLLERS.get(request.param)
    requested = base.ClusterRequest(f"test-policies-{os.getpid()}", node=policy_node.image())
    with base.temporary_cluster("kind", requested, say=print) as cluster:
        kube = Kube(cluster)
        for namespace in sorted(set(PODS.values())):
            kube.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
        helm.install(cluster, CRDS_CHART, crds, CRDS_NAMESPACE, dict(controller.crds))
        values = controller.values(chart) | {
            "gateway": {"addresses": [node_address(kube)]},
            "slots": [{"namespace": namespace, "start": start, "count": COUNT} for namespace, start in TASKS.values()],
            "contour": {"replicas": 1},
        }
        helm.install(cluster, RELEASE, chart, NAMESPACE, values)
        wait_for(kube, GATEWAY_PROGRAMMED, GATEWAY, RELEASE, NAMESPACE, condition("Programmed"))
        for pod in PODS:
            kube.create(serving(pod))
        for pod, namespace in PODS.items():
            wait_for(kube, POD_READY, "v1/Pod", pod, namespace, condition("Ready"))
        site = PolicySite(cluster, kube, controller.name, chart, values)
        for task, (namespace, _) in TASKS.items():
            (site.exposed[task],) = site.tasks(task).expose(Task(task, namespace, (PORT,)), wait=TASK_EXPOSED)
        yield site


def serving(pod: str) -> Manifest:
    """Return a pod that sends its name; it has the label of a task if it is one."""
    made = task_pod(pod, PODS[pod], SERVER, PORT)
    if pod not in TASKS:
        made["metadata"]["labels"] = {"role": pod}
    return made


@pytest.fixture(scope="module", params=[False, True], ids=["open", "enforced"])
def site(built: PolicySite, request: pytest.FixtureRequest) -> PolicySite:
    """The release without its policies, then with them, when either all or none of them are enforced."""
    site = replace(built, enforced=request.param)
    site.upgrade(**named(site.enforced))

    def unlike() -> str:
        places = [site.at("task"), site.at("other-task"), site.envoy(site.own.metrics), site.control(site.own.xds)]
        found = dict(zip(map(str, places), site.connect("stranger", *places), strict=True))
        return "" if set(found.values()) == {site.closed} else f"from a stranger, {found}"

    until(unlike, POLICIES_SECONDS)
    return site
