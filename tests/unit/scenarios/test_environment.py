"""The data of scenarios matches the rules of the master's configuration, of the chart, and of task ids."""

from pathlib import Path
from typing import Any, cast

import pytest

from task_gateway import config
from task_gateway.kube.client import Kube
from task_gateway.model import Cluster, InternalTaskGateway
from task_gateway.probe.versions import image_versions
from task_gateway.routing.names import check_task_id
from task_gateway_lab.scenarios.environment import Environment, EnvironmentSpec, chart_values, data


class FakeNode:
    """A cluster of one node, as far as its address goes."""

    def __init__(self, name: str, address: str) -> None:
        self.cluster = Cluster(name, "kind", Path(f"/state/{name}/kubeconfig"))
        self._address = address

    def list(self, kind: str) -> list[Any]:
        return [{"status": {"addresses": [{"type": "InternalIP", "address": self._address}]}}]


def given(**changes: Any) -> EnvironmentSpec:
    return EnvironmentSpec("lab", Path("chart.tgz"), Path("crds.tgz"), "image", **changes)


def test_the_master_configuration_is_valid_and_says_where_the_gateway_is() -> None:
    home, east = (
        cast(Kube, FakeNode(f"lab-{name}", ip)) for name, ip in (("default", "10.89.0.6"), ("east", "10.89.0.7"))
    )
    master = config.parse(Environment(given()).master_text({"east": east}, home), "master.yaml")
    assert (master.default.cluster_name, master.default.internal_task_gateway) == ("lab-default", None)
    (additional,) = master.additional
    assert (additional.cluster_name, additional.kubeconfig_path) == ("lab-east", "/state/lab-east/kubeconfig")
    gateway = InternalTaskGateway("task-gateway", "task-gateway", "10.89.0.7", 20000, 20015)
    assert additional.internal_task_gateway == gateway


def test_in_clusters_that_are_lent_namespaces_have_the_name_of_the_run() -> None:
    assert set(Environment(given()).namespaces) == {"master", "tasks", "task-gateway", "jupyterhub"}
    assert set(Environment(given(against=("a", "b"))).namespaces) == {
        "lab-master",
        "lab-tasks",
        "lab-task-gateway",
        "lab-jupyterhub",
    }


def test_the_chart_gets_the_ports_the_address_and_who_the_master_is() -> None:
    values = chart_values(InternalTaskGateway("g", "gateways", "10.89.0.7", 20000, 20007), "tasks")
    assert values["gateway"] == {"name": "g", "addresses": ["10.89.0.7"]}
    assert values["slots"] == [{"namespace": "tasks", "start": 20000, "count": 8}]
    assert values["rbac"]["strategies"] == ["listeners", "slots"]
    (subject,) = values["rbac"]["subjects"]
    assert subject["namespace"] == "tasks"


def test_the_cell_gives_the_expected_output(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("default", "additional"):
        task = check_task_id(f"notebook-{name}")
        monkeypatch.setattr("socket.gethostname", lambda task=task: task)
        exec(data()["cell"], {})
        assert capsys.readouterr().out.strip() == f"{task} {data()['output']}"


def test_versions_are_the_tags_of_what_runs() -> None:
    names = ["docker.io/envoyproxy/gateway:v1.9.1", "envoyproxy/envoy:distroless-v1.39.1@sha256:ab", "other:v7"]
    pods = [{"spec": {"containers": [{"image": image}]}} for image in names]
    assert image_versions(pods) == {"envoy-gateway": "v1.9.1", "envoy": "distroless-v1.39.1"}
