"""Production values on real clusters, with both controllers: TLS, two task namespaces, metrics, idle connections."""

import http.client
import json
import os
import re
import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from tests.certificates import Authority
from tests.cluster.conftest import GATEWAY, NAMESPACE, RELEASE
from tests.cluster.test_slots import PORT, SERVER
from tests.task_pod import task_pod

from task_gateway.controllers import base as controllers
from task_gateway.errors import CommandFailed
from task_gateway.kube import helm
from task_gateway.kube.client import Kube
from task_gateway.kube.kubectl import kubectl
from task_gateway.kube.wait import condition, wait_for
from task_gateway.model import Address, Cluster, InternalTaskGateway, Manifest, Task
from task_gateway.routing.gateway import TaskGateway
from task_gateway.routing.names import CRDS_CHART, CRDS_NAMESPACE
from task_gateway.settings import GATEWAY_PROGRAMMED, POD_READY, TASK_EXPOSED, TASK_REFUSED
from task_gateway_lab.clusters import base
from task_gateway_lab.clusters.kind import node_address

TASKS = {"tasks-a": 20000, "tasks-b": 21000}
COUNT = 3
IDLE_SECONDS = 2
METRICS_PORT = {"envoy-gateway": 19001, "contour": 8002}
ENVOYS = {
    name: each.proxies(RELEASE, NAMESPACE) for name, each in ((each.name, each) for each in controllers.in_order())
}


@dataclass(frozen=True)
class Production:
    """A cluster whose gateway has the values for production; `values` are those of the release."""

    cluster: Cluster
    kube: Kube
    controller: str
    chart: Path
    values: Manifest
    address: str
    authority: Authority

    def tasks(self, namespace: str) -> TaskGateway:
        first = TASKS[namespace]
        gateway = InternalTaskGateway(RELEASE, NAMESPACE, self.address, first, first + COUNT - 1)
        return TaskGateway(self.kube, gateway, namespace)

    def envoys(self) -> list[Manifest]:
        return self.kube.list("v1/Pod", NAMESPACE, labels=ENVOYS[self.controller])


@pytest.fixture(scope="module", params=controllers.names())
def production(request: pytest.FixtureRequest, chart: Path, crds_chart: Path) -> Iterator[Production]:
    controller = controllers.CONTROLLERS.get(request.param)
    with base.temporary_cluster("kind", base.ClusterRequest(f"test-production-{os.getpid()}"), say=print) as cluster:
        kube = Kube(cluster)
        address = node_address(kube)
        authority = Authority()
        kube.create(restricted(NAMESPACE))
        for namespace in TASKS:
            kube.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
        kube.create(authority.secret("tasks", NAMESPACE, address))
        helm.install(cluster, CRDS_CHART, crds_chart, CRDS_NAMESPACE, dict(controller.crds))
        values = (
            production_values(chart)
            | controller.values(chart)
            | {
                "gateway": {"addresses": [address]},
                "slots": [
                    {"namespace": namespace, "start": start, "count": COUNT} for namespace, start in TASKS.items()
                ],
                "tls": {"secretName": "tasks"},
                "commonLabels": {"team": "ml"},
            }
        )
        helm.install(cluster, RELEASE, chart, NAMESPACE, values)
        wait_for(kube, GATEWAY_PROGRAMMED, GATEWAY, RELEASE, NAMESPACE, condition("Programmed"))
        for namespace in TASKS:
            kube.create(task_pod("task", namespace, SERVER, PORT))
        for namespace in TASKS:
            wait_for(kube, POD_READY, "v1/Pod", "task", namespace, condition("Ready"))
        yield Production(cluster, kube, controller.name, chart, values, address, authority)


def production_values(chart: Path) -> Manifest:
    """Return the chart's values for production, with requests that fit two cores."""
    values: Manifest = yaml.safe_load(controllers.packaged(chart, "production.yaml"))
    for key in ("envoy", "contour"):
        values[key]["resources"]["requests"]["cpu"] = "50m"
    values["envoy"]["drainSeconds"] = 5
    return values


def restricted(name: str) -> Manifest:
    """Return a namespace that enforces the Pod Security Standard "restricted"."""
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def said_over_tls(production: Production, address: Address) -> str:
    connection = http.client.HTTPSConnection(
        address.host, address.port, timeout=10, context=production.authority.client()
    )
    connection.request("GET", "/")
    return connection.getresponse().read().decode()


def test_every_envoy_of_the_values_runs_restricted_and_is_kept_by_its_budget(production: Production) -> None:
    pods = production.envoys()
    assert len(pods) == 2
    for pod in pods:
        assert pod["spec"]["automountServiceAccountToken"] is False
        (envoy,) = [each for each in pod["spec"]["containers"] if each["name"] == "envoy"]
        assert envoy["securityContext"]["readOnlyRootFilesystem"] is True
        assert pod["spec"]["topologySpreadConstraints"]
    names = {pod["metadata"]["name"] for pod in pods}
    budgets = production.kube.list("policy/v1/PodDisruptionBudget", NAMESPACE)
    assert [each for each in budgets if each["status"]["expectedPods"] == len(names)]


def test_a_client_that_verifies_reaches_the_tasks_of_both_namespaces(production: Production) -> None:
    for namespace, first in TASKS.items():
        tasks = production.tasks(namespace)
        (address,) = tasks.expose(Task("task", namespace, (PORT,)), wait=TASK_EXPOSED)
        assert first <= address.port < first + COUNT
        assert said_over_tls(production, address) == "task"
        stranger = ssl.create_default_context()
        with pytest.raises(ssl.SSLCertVerificationError):
            http.client.HTTPSConnection(address.host, address.port, timeout=10, context=stranger).connect()
        tasks.release("task", wait=TASK_REFUSED)
        with pytest.raises(OSError):  # noqa: PT011 (a reset or an end of file, whichever comes first)
            said_over_tls(production, address)


def test_figures_are_those_of_the_dashboard(production: Production) -> None:
    tasks = production.tasks("tasks-b")
    (address,) = tasks.expose(Task("task", "tasks-b", (PORT,)), wait=TASK_EXPOSED)
    said_over_tls(production, address)
    free = Address(production.address, next(p for p in range(21000, 21003) if p != address.port))
    with pytest.raises(OSError):  # noqa: PT011
        said_over_tls(production, free)
    dashboard = json.loads(rendered(production)["data"][f"{RELEASE}.json"])
    (pattern,) = re.findall(r'envoy_cluster_membership_total\{[^}]*name=~"([^"]+)"', str(dashboard["panels"][0]))
    text = "".join(figures(production, pod["metadata"]["name"]) for pod in production.envoys())
    found = re.findall(r'^(envoy_\w+)\{envoy_cluster_name="([^"]+)"\} (\d+)$', text, re.MULTILINE)
    mine = [(name, cluster, int(value)) for name, cluster, value in found if re.fullmatch(pattern, cluster)]
    members = {cluster: value for name, cluster, value in mine if name == "envoy_cluster_membership_total"}
    assert len(members) == 2 * COUNT
    assert sorted(members.values()) == [0] * (2 * COUNT - 1) + [1]
    counted = {name for name, _, value in mine if value}
    assert {"envoy_cluster_upstream_cx_none_healthy", "envoy_cluster_upstream_cx_total"} <= counted
    shown = {name for panel in dashboard["panels"] for name in re.findall(r"(envoy_cluster_\w+)\{", str(panel))}
    assert shown - {name for name, _, _ in mine} == set()
    tasks.release("task", wait=TASK_REFUSED)


def rendered(production: Production) -> Manifest:
    """Return the dashboard after an upgrade that enables it."""
    values = production.values | {"metrics": {"dashboard": {"enabled": True}}}
    helm.install(production.cluster, RELEASE, production.chart, NAMESPACE, values)
    return production.kube.get("v1/ConfigMap", f"{RELEASE}-dashboard", NAMESPACE)


def figures(production: Production, pod: str) -> str:
    """Return the metrics that Prometheus would read from a pod of Envoy."""
    port = METRICS_PORT[production.controller]
    return kubectl(
        production.cluster, "get", "--raw", f"/api/v1/namespaces/{NAMESPACE}/pods/{pod}:{port}/proxy/stats/prometheus"
    )


def test_idle_connections_are_kept_unless_the_values_say_otherwise(production: Production) -> None:
    tasks = production.tasks("tasks-a")
    (address,) = tasks.expose(Task("task", "tasks-a", (PORT,)), wait=TASK_EXPOSED)
    assert idle_for(production, address, 3 * IDLE_SECONDS) >= 3 * IDLE_SECONDS
    if production.controller == "envoy-gateway":
        envoy = production.values["envoy"] | {"idleTimeoutSeconds": IDLE_SECONDS}
        helm.install(production.cluster, RELEASE, production.chart, NAMESPACE, production.values | {"envoy": envoy})
        deadline = time.monotonic() + TASK_EXPOSED.seconds
        while (cut := idle_for(production, address, 3 * IDLE_SECONDS)) >= 3 * IDLE_SECONDS:
            assert time.monotonic() < deadline, "connections are still kept"
        assert cut >= IDLE_SECONDS / 2
    tasks.release("task", wait=TASK_REFUSED)


def idle_for(production: Production, address: Address, patience: float) -> float:
    """Return after how many seconds an idle connection is cut, at most `patience`."""
    context = production.authority.client()
    with (
        socket.create_connection((address.host, address.port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=address.host) as connection,
    ):
        connection.settimeout(patience)
        started = time.monotonic()
        try:
            connection.recv(1)
        except TimeoutError:
            return patience
        except OSError:
            pass
        return time.monotonic() - started


def test_a_release_whose_ports_meet_changes_nothing(production: Production) -> None:
    before = production.kube.get(GATEWAY, RELEASE, NAMESPACE)["metadata"]["generation"]
    first, second = production.values["slots"]
    values = production.values | {"slots": [first, second | {"start": 20001}]}
    with pytest.raises(CommandFailed, match=r"slots\[1\].start=20001"):
        helm.install(production.cluster, RELEASE, production.chart, NAMESPACE, values)
    assert production.kube.get(GATEWAY, RELEASE, NAMESPACE)["metadata"]["generation"] == before


def test_helm_test_looks_into_every_namespace(production: Production) -> None:
    printed = helm.test(production.cluster, RELEASE, NAMESPACE)
    for first in TASKS.values():
        for port in range(first, first + COUNT):
            assert f"{RELEASE}-slot-{port} condition met" in printed
