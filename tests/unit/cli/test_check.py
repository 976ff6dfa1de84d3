"""The command `check`: exit codes, the checked gateways, and its wait."""

import itertools
import json
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.unit.conftest import KUBECONFIG

from task_gateway.checks import run
from task_gateway.cli import check as command
from task_gateway.cli.main import main
from task_gateway.errors import ClusterUnreachable
from task_gateway.inventory.target import GatewayTarget
from task_gateway.kube.client import Kube
from task_gateway.model import Check

GATEWAY = {"gateway_name": "gw", "gateway_namespace": "ns", "gateway_ip": "192.0.2.7"}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("kubeconfig").write_text(KUBECONFIG)
    return tmp_path


def master(*gateways: dict[str, Any] | None) -> list[str]:
    managers = [
        {"type": "kubernetes", "name": f"rm-{index}", **({"internal_task_gateway": each} if each else {})}
        for index, each in enumerate(gateways)
    ]
    first, *others = managers
    content = {
        "resource_manager": first,
        "additional_resource_managers": [
            {"resource_manager": each, "resource_pools": [{"pool_name": each["name"]}]} for each in others
        ],
    }
    Path("master.yaml").write_text(yaml.safe_dump(content))
    return ["check", "--config", "master.yaml", "--kubeconfig", "kubeconfig", "-o", "json"]


def results(text: str) -> dict[str, str]:
    return {each["code"]: each["result"] for part in json.loads(text)["categories"] for each in part["checks"]}


def test_a_wrong_configuration_ends_with_2_and_no_cluster_is_asked(capsys: pytest.CaptureFixture[str]) -> None:
    Path("kubeconfig").unlink()
    assert main(master(GATEWAY | {"gateway_ip": ""})) == 2
    out = capsys.readouterr().out
    assert json.loads(out)["success"] is False
    assert {code for code, result in results(out).items() if result == "error"} == {"ITG0608"}
    assert [part["name"] for part in json.loads(out)["categories"]] == ["config"]


def test_without_any_cluster_that_answers_it_ends_with_3(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(master(GATEWAY)) == 3
    found = results(capsys.readouterr().out)
    assert {code for code, result in found.items() if result == "error"} == {"ITG0101"}
    assert {result for code, result in found.items() if not code.startswith(("ITG060", "ITG0101"))} == {"skipped"}


def test_without_a_configuration_and_a_cluster_it_ends_with_3(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--kubeconfig", "kubeconfig"]) == ClusterUnreachable.exit_code
    assert "no answer from the API server" in capsys.readouterr().err


def test_a_kubeconfig_that_is_not_there_ends_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    Path("kubeconfig").unlink()
    assert main(master(GATEWAY)) == 2
    assert json.loads(capsys.readouterr().out)["error"]["type"] == "UsageError"


def test_a_category_that_is_not_there_ends_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--only", "rooting"]) == 2
    assert "try: known: cluster, CRDs, controller" in capsys.readouterr().err


def test_a_group_without_a_user_ends_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--as-group", "ml-platform"]) == 2
    assert "--as-group requires --as" in capsys.readouterr().err


def test_resource_managers_without_a_gateway_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(master(None, None)) == 0
    assert set(results(capsys.readouterr().out).values()) == {"ok"}


def found(target: GatewayTarget, result: str) -> list[Check]:
    name = target.manager.name
    return [Check("ITG0101", f"answers ({name})", "ok"), Check("ITG0403", f"Programmed ({name})", result, "no", "fix")]


def test_each_resource_manager_is_named_where_there_are_several(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = []

    def look(target: GatewayTarget, *, named: bool, **_: object) -> list[Check]:
        asked.append((target.manager.name, named))
        return found(target, "ok")

    monkeypatch.setattr(run, "of_target", look)
    assert main(master(GATEWAY, GATEWAY | {"gateway_name": "gx"}, None)) == 0
    assert asked == [("rm-0", True), ("rm-1", True)]
    assert capsys.readouterr().out.count("Programmed (rm-") == 2


def test_wait_looks_again_after_each_change_until_nothing_is_wrong(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    states = iter(["error", "error", "warning"])
    changes = []
    monkeypatch.setattr(run, "of_target", lambda target, **_: found(target, next(states)))
    monkeypatch.setattr(command, "_until_something_changes", lambda *_: changes.append(1))
    assert main([*master(GATEWAY), "--wait"]) == 0
    assert len(changes) == 2
    assert results(capsys.readouterr().out)["ITG0403"] == "warning"


def test_wait_ends_after_its_time_with_what_is_still_wrong(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = itertools.count(0, 200)
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(run, "of_target", lambda target, **_: found(target, "error"))
    monkeypatch.setattr(command, "_until_something_changes", lambda *_: None)
    assert main([*master(GATEWAY), "--wait"]) == 1
    assert results(capsys.readouterr().out)["ITG0403"] == "error"


def test_it_waits_for_the_first_change_of_the_gateway(monkeypatch: pytest.MonkeyPatch) -> None:
    read = []

    def watch(_self: Kube, kind: str, namespace: str, *, name: str, seconds: float) -> Any:
        for event in ("ADDED", "MODIFIED", "MODIFIED"):
            read.append((namespace, name, event))
            yield event, {}

    states = iter(["error", "ok"])
    monkeypatch.setattr(Kube, "watch", watch)
    monkeypatch.setattr(run, "of_target", lambda target, **_: found(target, next(states)))
    assert main([*master(GATEWAY), "--wait"]) == 0
    assert read == [("ns", "gw", "ADDED"), ("ns", "gw", "MODIFIED")]


def test_one_kubeconfig_that_cannot_be_used_is_told_beside_the_others(capsys: pytest.CaptureFixture[str]) -> None:
    master(GATEWAY, GATEWAY | {"gateway_name": "other"})
    content = yaml.safe_load(Path("master.yaml").read_text())
    content["resource_manager"]["kubeconfig_path"] = "kubeconfig"
    content["additional_resource_managers"][0]["resource_manager"]["kubeconfig_path"] = "gone"
    Path("master.yaml").write_text(yaml.safe_dump(content))
    assert main(["check", "--config", "master.yaml", "-o", "json"]) == ClusterUnreachable.exit_code
    (cluster,) = [part for part in json.loads(capsys.readouterr().out)["categories"] if part["name"] == "cluster"]
    said = {each["description"]: each["message"] for each in cluster["checks"] if each["code"] == "ITG0101"}
    assert set(said) == {"the API server answers (rm-0)", "the API server answers (rm-1)"}
    assert "no answer" in said["the API server answers (rm-0)"]
    assert "gone" in said["the API server answers (rm-1)"]
