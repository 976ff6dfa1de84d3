"""Contour as the controller: the same library, with slots as listeners of the Gateway, on a separate cluster."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from tests.cluster.conftest import GATEWAY, NAMESPACE, RELEASE, Installed
from tests.cluster.test_controller_probe import probed
from tests.cluster.test_slots import PORT, greeting_of, pod

from task_gateway.checks import run
from task_gateway.inventory.target import GatewayTarget
from task_gateway.kube import helm
from task_gateway.kube.client import Kube
from task_gateway.kube.wait import condition, wait_for
from task_gateway.model import InternalTaskGateway, ResourceManager, Task
from task_gateway.probe import objects
from task_gateway.probe.fixture import MANAGER
from task_gateway.routing.gateway import TaskGateway
from task_gateway.routing.gateway_api import ROUTES
from task_gateway.routing.reach import Answer, probe
from task_gateway.settings import GATEWAY_PROGRAMMED, POD_READY, TASK_EXPOSED, TASK_REFUSED
from task_gateway_lab.clusters import base
from task_gateway_lab.clusters.kind import node_address

ROOT = Path(__file__).parents[2]
START, COUNT, OWN = 20000, 70, 3  # more slots than Gateway API's CRD allows, and ports for own listeners
RAISED = {"channel": "experimental", "gateways": {"maxListeners": 200, "dropQuadraticRules": True}}


@pytest.fixture(scope="module")
def contour(chart: Path) -> Iterator[Installed]:
    with base.temporary_cluster("kind", base.ClusterRequest(f"test-contour-{os.getpid()}"), say=print) as cluster:
        kube = Kube(cluster)
        address = node_address(kube)
        (crds,) = (ROOT / "dist").glob("gateway-api-crds-*.tgz")
        helm.install(cluster, "crds", crds, "crds", RAISED)
        values = yaml.safe_load((ROOT / "charts/internal-task-gateway/contour.yaml").read_text())
        values |= {
            "gateway": {"addresses": [address]},
            "slots": [{"start": START, "count": COUNT}],
            "contour": {"replicas": 1, "ports": {"start": START + COUNT, "count": OWN}},
        }
        helm.install(cluster, RELEASE, chart, NAMESPACE, values)
        wait_for(kube, GATEWAY_PROGRAMMED, GATEWAY, RELEASE, NAMESPACE, condition("Programmed"))
        for task in ("one", "two"):
            kube.create(pod(task))
        for task in ("one", "two"):
            wait_for(kube, POD_READY, "v1/Pod", task, NAMESPACE, condition("Ready"))
        gateway = InternalTaskGateway(RELEASE, NAMESPACE, address, START, START + COUNT - 1)
        yield Installed(cluster, kube, gateway)


@pytest.mark.parametrize("strategy", ["slots", "listeners"])
def test_each_port_leads_to_its_own_task_and_to_nothing_after_release(contour: Installed, strategy: str) -> None:
    first = START if strategy == "slots" else START + COUNT
    gateway = InternalTaskGateway(RELEASE, NAMESPACE, contour.gateway.gateway_ip, first, first + OWN - 1)
    tasks = TaskGateway(contour.kube, gateway, NAMESPACE, strategy)
    found = {name: tasks.expose(Task(name, NAMESPACE, (PORT,)), wait=TASK_EXPOSED)[0] for name in ("one", "two")}
    assert {name: greeting_of(address) for name, address in found.items()} == {"one": "one", "two": "two"}
    tasks.release("one", wait=TASK_REFUSED)
    assert probe(found["one"]) in (Answer.CLOSED, Answer.REFUSED)
    assert greeting_of(found["two"]) == "two"
    tasks.release("two", wait=TASK_REFUSED)


def test_the_probe_adds_to_the_one_gateway_and_takes_it_back(contour: Installed, tmp_path: Path) -> None:
    before = contour.kube.get(GATEWAY, RELEASE, NAMESPACE)
    words = ["--gateway", f"{NAMESPACE}/{RELEASE}", "--first-port", str(START + COUNT)]
    found = probed(contour, words, tmp_path)
    results = {each["name"]: each["result"] for each in found["requirements"]}
    assert results.pop("listener-set") == "not supported"
    assert set(results.values()) == {"met"}
    (mapped,) = [each["detail"] for each in found["requirements"] if each["name"] == "port-mapping"]
    assert mapped.endswith("which existed before")
    after = contour.kube.get(GATEWAY, RELEASE, NAMESPACE)
    assert after["spec"] == before["spec"]
    assert MANAGER not in {each["manager"] for each in after["metadata"]["managedFields"]}
    for kind in ("v1/Pod", "v1/Service", ROUTES[0]):
        assert contour.kube.list(kind, NAMESPACE, objects.LABEL) == []


def test_the_check_has_nothing_to_say(contour: Installed) -> None:
    manager = ResourceManager("contour", "contour", internal_task_gateway=contour.gateway)
    checks = run.of_target(GatewayTarget(manager, contour.kube), named=False)
    assert {each.code: each.result for each in checks if each.result in ("warning", "error")} == {}
