"""The lifecycle of a release with each controller on a new cluster: installed, next to another, upgraded, uninstalled.

The tests of this file depend on each other: each continues from the state after the previous one.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.cluster.conftest import GATEWAY, NAMESPACE, RELEASE
from tests.faults.lab import FaultLab, unreached
from tests.faults.serving import greeting_of
from tests.faults.watching import until, watching
from tests.matrix.test_production import ENVOYS
from tests.preflight import Preflight, troubled

import pins
from task_gateway.controllers import base as controllers
from task_gateway.controllers.base import Controller
from task_gateway.controllers.contour import CONTOUR
from task_gateway.controllers.envoy_gateway import ENVOY_GATEWAY
from task_gateway.crds import bundles, schema
from task_gateway.errors import CommandFailed
from task_gateway.kube import helm
from task_gateway.kube.client import Kube
from task_gateway.kube.kinds import POD, SERVICE
from task_gateway.kube.kubectl import kubectl
from task_gateway.kube.process import run, tool
from task_gateway.kube.wait import condition, wait_for
from task_gateway.model import LABEL_PREFIX, Address, Cluster, InternalTaskGateway, Manifest
from task_gateway.routing import names
from task_gateway.routing.gateway import TaskGateway
from task_gateway.routing.reach import wait_until_refused
from task_gateway.settings import API_READY, GATEWAY_PROGRAMMED, TASK_EXPOSED, TASK_REACHABLE
from task_gateway_lab.bench import fake_pods
from task_gateway_lab.clusters import base
from task_gateway_lab.clusters.kind import node_address

BUNDLE, CHANNEL = (
    f"v{pins.read()['GATEWAY_API_VERSION']}",
    "experimental",
)  # required by Contour
LIVE = range(1, 51)
DRAIN_SECONDS, GONE_SECONDS = 5, 120
COUNT, MORE = 64, 70  # slots: the default, and more than fit in one ListenerSet
FIRST_PORTS = {RELEASE: 20000, "second": 21000, "beside": 22000}
OTHER = {ENVOY_GATEWAY.name: CONTOUR, CONTOUR.name: ENVOY_GATEWAY}
IN_EACH_NAMESPACE = ("v1/ServiceAccount default", "v1/ConfigMap kube-root-ca.crt")
"""Objects that Kubernetes creates in a namespace. `helm install --create-namespace` creates it, and Helm keeps it."""


@dataclass
class Life:
    """A cluster with its releases, their values, and the tasks that were exposed through each."""

    cluster: Cluster
    kube: Kube
    controller: Controller
    chart: Path
    crds_chart: Path
    address: str
    before: frozenset[str] = frozenset()
    values: dict[str, Manifest] = field(default_factory=dict)
    live: dict[Address, str] = field(default_factory=dict)

    @property
    def brings_crds(self) -> bool:
        """Whether the chart installs the CRDs; in the other cluster they already exist."""
        return self.controller == CONTOUR

    def install(self, release: str, values: Mapping[str, Any]) -> None:
        """Install a release in a namespace of its name, the first one in that of the tasks."""
        envoy = {"drainSeconds": DRAIN_SECONDS}
        self.values[release] = {"gateway": {"addresses": [self.address]}, "envoy": envoy} | dict(values)
        namespace = home(release)
        helm.install(self.cluster, release, self.chart, namespace, self.values[release])
        wait_for(self.kube, GATEWAY_PROGRAMMED, GATEWAY, release, namespace, condition("Programmed"))
        assert "Succeeded" in helm.test(self.cluster, release, namespace)

    def gateway(self, release: str, count: int = COUNT) -> InternalTaskGateway:
        first = FIRST_PORTS[release]
        return InternalTaskGateway(release, home(release), self.address, first, first + count - 1)

    def tasks(self, release: str) -> TaskGateway:
        return TaskGateway(self.kube, self.gateway(release), NAMESPACE)

    def check(self, folder: Path) -> dict[str, str]:
        """Return the findings of the check of all Gateways of the chart, run as by a user."""
        code, report = Preflight(self.kube, self.gateway(RELEASE), folder, without_config=True).check()
        assert code == 0
        return troubled(report)

    def claims(self) -> dict[str, tuple[Any, Any, Any]]:
        """Return the fields that claims of the first release wrote: annotations, selector and target port, by slot."""
        found = self.kube.list(SERVICE, NAMESPACE, names.slots_selector(RELEASE, NAMESPACE))
        return {
            each["metadata"]["name"]: (
                {key: value for key, value in each["metadata"]["annotations"].items() if key.startswith(LABEL_PREFIX)},
                each["spec"]["selector"],
                each["spec"]["ports"][0]["targetPort"],
            )
            for each in found
            if names.CLAIMED_BY in (each["metadata"].get("annotations") or {})
        }

    def envoys(self) -> set[str]:
        pods = self.kube.list(POD, NAMESPACE, ENVOYS[self.controller.name])
        return {each["metadata"]["name"] for each in pods if "deletionTimestamp" not in each["metadata"]}

    def everyone_answers(self) -> None:
        for address, task in self.live.items():
            until(partial(unreached, address, task), TASK_REACHABLE.seconds)


def refused(life: Life, values: Mapping[str, Any], said: str) -> None:
    with pytest.raises(CommandFailed, match=said):
        helm.install(life.cluster, "refused", life.chart, NAMESPACE, values, wait=False)


def home(release: str) -> str:
    return NAMESPACE if release == RELEASE else release


def everything(cluster: Cluster) -> frozenset[str]:
    """Return all objects of all kinds except Events, each as its kind, namespace and name."""
    kinds = kubectl(cluster, "api-resources", "--verbs=list", "--output=name").split()
    listed = ",".join(each for each in kinds if each.partition(".")[0] != "events")
    name = '{.apiVersion}/{.kind} {.metadata.namespace}{" "}{.metadata.name}{"\\n"}'
    output = f"--output=jsonpath={{range .items[*]}}{name}{{end}}"
    return frozenset(kubectl(cluster, "get", listed, "--all-namespaces", output).splitlines())


@pytest.fixture(scope="module", params=controllers.names())
def life(request: pytest.FixtureRequest, chart: Path, crds_chart: Path) -> Iterator[Life]:
    controller = controllers.CONTROLLERS.get(request.param)
    with base.temporary_cluster("kind", base.ClusterRequest(f"test-lifecycle-{os.getpid()}"), say=print) as cluster:
        kube = Kube(cluster)
        made = Life(cluster, kube, controller, chart, crds_chart, node_address(kube))
        with fake_pods.FakePods(kube, NAMESPACE, leave=True) as tasks:
            tasks.add([*LIVE, *(LIVE[-1] + number for number, _ in enumerate(FIRST_PORTS, 1))])
            if not made.brings_crds:
                apply_as_kubectl(kube)
            made.before = everything(cluster)
            yield made


def apply_as_kubectl(kube: Kube) -> None:
    """Install the CRDs and policies of Gateway API like `kubectl apply --server-side` with its release."""
    bundle = bundles.fetch(BUNDLE, CHANNEL)
    for each in (*bundle.crds.values(), *bundle.policies):
        kube.apply(each, field_manager="kubectl")
    for name in bundle.crds:
        wait_for(kube, API_READY, schema.KIND, name, None, condition("Established"))


def test_documented_values_alone_install_it_with_and_without_crds(life: Life, tmp_path: Path) -> None:
    if life.brings_crds:
        with pytest.raises(CommandFailed, match=f"helm install {names.CRDS_CHART}"):
            helm.install(life.cluster, RELEASE, life.chart, NAMESPACE, life.controller.values(life.chart))
        values = {"channel": CHANNEL, "gateways": {"maxListeners": 2 * COUNT}}
        helm.install(life.cluster, names.CRDS_CHART, life.crds_chart, names.CRDS_NAMESPACE, values)
    life.install(RELEASE, life.controller.values(life.chart))
    assert life.check(tmp_path) == {}


def test_another_controller_and_a_second_gateway_stand_beside_it(life: Life, tmp_path: Path) -> None:
    other = OTHER[life.controller.name]
    beside: Manifest = {"slots": [{"namespace": NAMESPACE, "start": FIRST_PORTS["beside"], "count": 64}]}
    if other == ENVOY_GATEWAY:
        beside["gateway"] = {"addresses": [life.address], "placeholderPort": 1025}
    life.install("beside", other.values(life.chart) | beside)
    if life.controller == ENVOY_GATEWAY:
        there = {
            "controller": {"install": False},
            "gatewayClass": {"create": False, "name": f"{RELEASE}.{NAMESPACE}"},
            "gateway": {"addresses": [life.address], "placeholderPort": 1026},
            "slots": [{"namespace": NAMESPACE, "start": FIRST_PORTS["second"], "count": COUNT}],
        }
        life.install("second", there)
    else:
        contour = life.controller.values(life.chart)
        there = {"controller": {"name": CONTOUR.name, "install": False}}
        there |= {"gatewayClass": {"create": False, "name": f"{RELEASE}.{NAMESPACE}"}}
        refused(life, there, f"the Contour of GatewayClass {RELEASE}.{NAMESPACE} only serves Gateway {RELEASE}")
        refused(life, contour | {"slots": [{"start": 20000, "count": 2 * COUNT + 1}]}, "129 slots .* allow 128")
    assert life.check(tmp_path) == {}
    for number, release in enumerate(life.values, LIVE[-1] + 1):
        task = fake_pods.task(number, NAMESPACE)
        (address,) = life.tasks(release).expose(task, wait=TASK_EXPOSED)
        assert address.port in range(FIRST_PORTS[release], FIRST_PORTS[release] + COUNT)
        life.live[address] = task.id
    life.everyone_answers()
    for release in life.values:
        free = {FIRST_PORTS[release], FIRST_PORTS[release] + COUNT - 1} - {each.port for each in life.live}
        for port in free:
            wait_until_refused(Address(life.address, port))


def test_an_upgrade_and_a_rollback_keep_fifty_tasks(life: Life) -> None:
    tasks = life.tasks(RELEASE)
    for number in LIVE:
        task = fake_pods.task(number, NAMESPACE)
        (address,) = tasks.expose(task)
        life.live[address] = task.id
    life.everyone_answers()
    claims, envoys = life.claims(), life.envoys()
    assert len(claims) == len(LIVE) + 1
    lab = FaultLab(life.cluster, life.kube, life.controller, life.gateway(RELEASE), life.chart)
    before = life.values[RELEASE]
    changed = before | {
        "slots": [{"start": 20000, "count": MORE}],
        "envoy": before["envoy"] | {"podAnnotations": {"example.com/rolled": "yes"}},
    }
    with watching(life.live) as seen:
        lab.upgrade(changed)
        until(lambda: "" if envoys.isdisjoint(life.envoys()) else "Envoy was not replaced", TASK_REACHABLE.seconds)
        life.everyone_answers()
        assert life.claims() == claims
        assert len(life.kube.list(SERVICE, NAMESPACE, names.slots_selector(RELEASE, NAMESPACE))) == MORE
        where = ["--namespace", NAMESPACE, "--kubeconfig", str(life.cluster.kubeconfig)]
        envoys = life.envoys()
        run([tool("helm"), "rollback", RELEASE, "1", "--wait", *where])
        lab.gateway_is_programmed()
        until(lambda: "" if envoys.isdisjoint(life.envoys()) else "Envoy was not replaced", TASK_REACHABLE.seconds)
        life.everyone_answers()
        assert life.claims() == claims
        assert len(life.kube.list(SERVICE, NAMESPACE, names.slots_selector(RELEASE, NAMESPACE))) == COUNT
    assert seen.strangers == []


def test_uninstall_leaves_nothing_but_crds(life: Life) -> None:
    for release in reversed([RELEASE, *(each for each in life.values if each == "second")]):
        helm.uninstall(life.cluster, release, home(release))
    ((address, task),) = [each for each in life.live.items() if each[0].port == FIRST_PORTS["beside"]]
    assert greeting_of(address) == task
    helm.uninstall(life.cluster, "beside", "beside")
    if life.brings_crds:
        helm.uninstall(life.cluster, names.CRDS_CHART, names.CRDS_NAMESPACE)
    until(lambda: ", ".join(sorted(left(life))), GONE_SECONDS)


def left(life: Life) -> set[str]:
    """Return the new objects, except CRDs, their API services, and objects that Kubernetes creates."""
    groups = {each["spec"]["group"] for each in life.kube.list(schema.KIND)}
    found = set()
    for each in everything(life.cluster) - life.before:
        kind, namespace, name = each.split(" ")
        served = kind.endswith("/APIService") and name.partition(".")[2] in groups
        by_itself = namespace in life.values and f"{kind} {name}" in IN_EACH_NAMESPACE
        made_by_helm = kind == "v1/Namespace" and name in life.values
        if not (kind == schema.KIND or served or by_itself or made_by_helm):
            found.add(each)
    return found
