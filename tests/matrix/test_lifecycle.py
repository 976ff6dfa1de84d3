"""A release from before its install to after its uninstall, on both controllers: 50 live tasks, a second gateway."""

import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.cluster.conftest import GATEWAY
from tests.faults.serving import said_by
from tests.faults.watching import until

from task_gateway.bench.stand_ins import StandIns, task
from task_gateway.clusters import base, controllers
from task_gateway.clusters.kind import node_address
from task_gateway.crds import bundles
from task_gateway.kube import helm
from task_gateway.kube.client import Kube
from task_gateway.kube.kubectl import kubectl
from task_gateway.kube.process import Word, run, tool
from task_gateway.kube.wait import condition, wait_for
from task_gateway.model import Address, Cluster, InternalTaskGateway, Manifest
from task_gateway.routing.gateway import TaskGateway
from task_gateway.routing.names import CRDS_CHART, CRDS_NAMESPACE
from task_gateway.routing.reach import Answer, probe
from task_gateway.settings import GATEWAY_PROGRAMMED, TASK_EXPOSED

DIST = Path(__file__).parents[2] / "dist"
NAMESPACE, BESIDE, TASKS = "gateways", "beside", "tasks"
RELEASE, SECOND = "itg", "second"
START, COUNT, LIVE, SECOND_START = 20000, 60, 50, 22000
OTHERS = {"events", "events.events.k8s.io", "leases.coordination.k8s.io", "apiservices.apiregistration.k8s.io",
          "customresourcedefinitions.apiextensions.k8s.io", "pods.metrics.k8s.io", "nodes.metrics.k8s.io"}  # fmt: skip
"""Kinds of objects that come and go by themselves, and CRDs, which stay, with what Kubernetes makes of each."""
GONE_SECONDS = 60.0


@dataclass
class Site:
    """A cluster, what it had before, the release with its live tasks, and the one beside it."""

    cluster: Cluster
    kube: Kube
    controller: controllers.Controller
    before: set[str]
    chart: Path
    crds: Path
    values: dict[str, Any]
    exposed: dict[str, Address] = field(default_factory=dict)

    def tasks(self, release: str = RELEASE, namespace: str = NAMESPACE, start: int = START) -> TaskGateway:
        gateway = InternalTaskGateway(release, namespace, node_address(self.kube), start, start + COUNT - 1)
        return TaskGateway(self.kube, gateway, TASKS)

    def claims(self) -> dict[str, Manifest]:
        """What was written of each live task: where its port leads, and whose it is."""
        found = self.kube.list("v1/Service", TASKS)
        claimed = [each for each in found if each["spec"].get("selector")]
        return {
            each["metadata"]["name"]: {"spec": each["spec"], "annotations": each["metadata"]["annotations"]}
            for each in claimed
        }

    def checked(self) -> list[str]:
        """Every finding of the check that is not fine."""
        words: list[Word] = ["task-gateway", "check", "--kubeconfig", self.cluster.kubeconfig, "-o", "json"]
        done = run(words, check=False)
        looked = [each for category in json.loads(done.stdout)["categories"] for each in category["checks"]]
        assert len(looked) > 20
        return [f"{each['code']}: {each['message']}" for each in looked if each["result"] in ("warning", "error")]

    def mistaken(self) -> dict[str, str]:
        """Live tasks whose port is answered by anybody else, with what it said."""

        def said(address: Address) -> str:
            try:
                return said_by(address)
            except OSError as problem:
                return str(problem)

        with ThreadPoolExecutor(16) as pool:
            heard = dict(zip(self.exposed, pool.map(said, self.exposed.values()), strict=True))
        return {name: answer for name, answer in heard.items() if name != answer}


def objects(cluster: Cluster) -> set[str]:
    """Every object of every kind that can be listed, but those that come and go."""
    kinds = kubectl(cluster, "api-resources", "--verbs", "list", "--output", "name").split()
    wanted = ",".join(kind for kind in kinds if kind not in OTHERS)
    path = '{range .items[*]}{.kind}/{.metadata.namespace}/{.metadata.name}{"\\n"}{end}'
    return set(kubectl(cluster, "get", wanted, "--all-namespaces", "--output", f"jsonpath={path}").split())


@pytest.fixture(scope="module", params=controllers.CONTROLLERS)
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    """Envoy Gateway on a cluster without CRDs, Contour on one that has those of the experimental channel."""
    (chart,), (crds,) = DIST.glob("internal-task-gateway-*.tgz"), DIST.glob("gateway-api-crds-*.tgz")
    controller = controllers.named(request.param)
    with base.lent("kind", base.Wish(f"test-lifecycle-{os.getpid()}"), say=print) as cluster:
        kube = Kube(cluster)
        for namespace in (NAMESPACE, BESIDE, TASKS):
            kube.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
        if controller.name == controllers.CONTOUR:
            for each in bundles.fetch("v1.6.1", "experimental").crds.values():
                kube.apply(each, field_manager="kubectl")
        values = controller.values(chart) | {
            "gateway": {"addresses": [node_address(kube)]},
            "slots": {"namespace": TASKS, "start": START, "count": COUNT},
        }
        yield Site(cluster, kube, controller, objects(cluster), chart, crds, values)


@pytest.fixture(scope="module")
def live(site: Site) -> Iterator[Site]:
    """The release, and 50 tasks that are answered by their own names."""
    if site.controller.name == controllers.ENVOY_GATEWAY:
        helm.install(site.cluster, CRDS_CHART, site.crds, CRDS_NAMESPACE, dict(site.controller.crds))
    helm.install(site.cluster, RELEASE, site.chart, NAMESPACE, site.values)
    with StandIns(site.kube, TASKS) as stand_ins:
        stand_ins.add(range(1, LIVE + 1))
        with site.tasks() as tasks:
            for number in range(1, LIVE + 1):
                each = task(number, TASKS)
                (site.exposed[each.id],) = tasks.expose(each, wait=TASK_EXPOSED)
        yield site


def test_it_is_installed_with_what_is_documented_and_the_check_has_nothing_to_say(live: Site) -> None:
    assert "Phase:          Succeeded" in helm.test(live.cluster, RELEASE, NAMESPACE)
    assert live.checked() == []
    assert live.mistaken() == {}


def test_an_upgrade_that_rolls_envoy_and_a_rollback_keep_every_task(live: Site) -> None:
    before = live.claims()
    assert len(before) == LIVE
    pods = {"envoy": {"podAnnotations": {"example.com/note": "rolled"}, "drainSeconds": 1}}
    helm.install(live.cluster, RELEASE, live.chart, NAMESPACE, live.values | pods | more_slots(live))
    until(lambda: str(live.mistaken() or ""), GONE_SECONDS)
    assert live.claims() == before
    words: list[Word] = ["rollback", RELEASE, "--namespace", NAMESPACE, "--wait"]
    run([tool("helm"), *words, "--kubeconfig", live.cluster.kubeconfig])
    until(lambda: str(live.mistaken() or ""), GONE_SECONDS)
    assert live.claims() == before
    assert live.checked() == []


def more_slots(live: Site) -> dict[str, Any]:
    return {"slots": live.values["slots"] | {"count": COUNT + 4}}


def test_a_gateway_beside_it_has_ports_and_tasks_of_its_own(live: Site) -> None:
    """Envoy Gateway serves the second one: it is there already, or beside Contour installed with it."""
    values = {
        "controller": {"install": live.controller.name == controllers.CONTOUR},
        "gateway": live.values["gateway"] | {"placeholderPort": 1025},
        "slots": {"namespace": TASKS, "start": SECOND_START, "count": 3},
    }
    helm.install(live.cluster, SECOND, live.chart, BESIDE, values)
    wait_for(live.kube, GATEWAY_PROGRAMMED, GATEWAY, SECOND, BESIDE, condition("Programmed"))
    assert "Phase:          Succeeded" in helm.test(live.cluster, SECOND, BESIDE)
    assert live.checked() == []
    one = task(1, TASKS)
    with live.tasks(SECOND, BESIDE, SECOND_START) as tasks:
        (address,) = tasks.expose(one, wait=TASK_EXPOSED)
        assert said_by(address) == one.id
        tasks.release(one.id)
    assert probe(Address(address.host, SECOND_START + 1)) is not Answer.TALKS
    assert live.mistaken() == {}


def test_nothing_but_crds_is_left(live: Site) -> None:
    for release, namespace in ((SECOND, BESIDE), (RELEASE, NAMESPACE), (CRDS_CHART, CRDS_NAMESPACE)):
        helm.uninstall(live.cluster, release, namespace)

    def left() -> str:
        there = {each for each in objects(live.cluster) if not each.rpartition("/")[2].startswith("bench-")}
        return "\n".join(sorted(there - live.before))

    until(left, GONE_SECONDS)
    assert live.kube.get("apiextensions.k8s.io/v1/CustomResourceDefinition", "gateways.gateway.networking.k8s.io")
