"""The data of the scenario fits the rules of the master's configuration, of the chart, and of task ids."""

from pathlib import Path
from string import Template

import pytest

from task_gateway import config
from task_gateway.clusters.versions import image_versions
from task_gateway.model import InternalTaskGateway
from task_gateway.routing.names import check_task_id
from task_gateway.scenarios.notebook_multi_rm import DATA, chart_values, master_config


def test_the_master_configuration_is_valid_and_says_where_the_gateway_is() -> None:
    text = master_config(("lab-default", "lab-additional"), Path("/state/kubeconfig"), "10.89.0.7")
    master = config.parse(text, "master.yaml")
    assert (master.default.cluster_name, master.default.internal_task_gateway) == ("lab-default", None)
    (additional,) = master.additional
    assert (additional.cluster_name, additional.kubeconfig_path) == ("lab-additional", "/state/kubeconfig")
    gateway = InternalTaskGateway("task-gateway", "task-gateway", "10.89.0.7", 20000, 20007)
    assert additional.internal_task_gateway == gateway


def test_the_chart_gets_the_ports_and_the_address_that_the_master_is_told() -> None:
    values = chart_values(InternalTaskGateway("g", "gateways", "10.89.0.7", 20000, 20007), "tasks")
    assert values == {
        "gateway": {"name": "g", "addresses": ["10.89.0.7"]},
        "slots": {"namespace": "tasks", "start": 20000, "count": 8},
    }


def test_the_cell_gives_the_expected_output(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("default", "additional"):
        task = check_task_id(f"notebook-{name}")
        monkeypatch.setattr("socket.gethostname", lambda task=task: task)
        exec(DATA["cell"], {})
        assert capsys.readouterr().out.strip() == Template(DATA["output"]).substitute(task=task)


def test_versions_are_the_tags_of_what_runs() -> None:
    names = ["docker.io/envoyproxy/gateway:v1.9.1", "envoyproxy/envoy:distroless-v1.39.1@sha256:ab", "other:v7"]
    pods = [{"spec": {"containers": [{"image": image}]}} for image in names]
    assert image_versions(pods) == {"envoy-gateway": "v1.9.1", "envoy": "distroless-v1.39.1"}
