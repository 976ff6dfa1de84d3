"""The probe on a real controller: all requirements are met, and it cleans up, also after an interrupt."""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.cluster.conftest import GATEWAY, NAMESPACE, RELEASE, Installed
from typer.testing import CliRunner

from task_gateway.cli.main import build
from task_gateway.errors import INTERRUPTED
from task_gateway.kube.process import spawn
from task_gateway.kube.wait import wait_for
from task_gateway.probe import objects
from task_gateway.settings import Wait

KINDS = ("v1/Namespace", "v1/Pod", "v1/Service", GATEWAY)
MADE = Wait("probe-made", "the probe has made its Gateway", 120)
ENDED = 120.0


def probed(installed: Installed, words: list[str], folder: Path) -> dict[str, Any]:
    """Run the command and return its record."""
    record = folder / "probe.json"
    call = ["controller", "probe", *words, "--kubeconfig", str(installed.cluster.kubeconfig)]
    done = CliRunner().invoke(build(), [*call, "--record", str(record)])
    found: dict[str, Any] = json.loads(record.read_text())
    assert done.exit_code == (0 if found["suitable"] else 1)
    return found


def left(installed: Installed) -> list[str]:
    """Return the objects of all probes."""
    return [each["metadata"]["name"] for kind in KINDS for each in installed.kube.list(kind, labels=objects.LABEL)]


@pytest.fixture
def words(installed: Installed) -> list[str]:
    return ["--gateway-class", f"{RELEASE}.{NAMESPACE}", "--address", installed.gateway.gateway_ip]


def test_envoy_gateway_meets_every_requirement(installed: Installed, words: list[str], tmp_path: Path) -> None:
    services = {each["metadata"]["name"] for each in installed.kube.list("v1/Service", NAMESPACE)}
    found = probed(installed, words, tmp_path)
    results = {each["name"]: (each["result"], each["detail"]) for each in found["requirements"]}
    assert {result for result, _ in results.values()} == {"met"}, results
    assert results["port-mapping"][1].endswith("which the controller added")
    assert results["address"][1] == installed.gateway.gateway_ip
    assert {"kubernetes", "gateway-api", "envoy-gateway", "envoy"} <= found["versions"].keys()
    (changed,) = [each["seconds"] for each in found["requirements"] if each["name"] == "endpoint-change"]
    assert 0 < changed["reached"] <= changed["reached_longest"]
    assert left(installed) == []
    assert {each["metadata"]["name"] for each in installed.kube.list("v1/Service", NAMESPACE)} == services


def test_a_class_that_nobody_serves_is_not_supported_and_ends_with_1(
    installed: Installed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version, kind = "gateway.networking.k8s.io/v1", "GatewayClass"
    spec = {"controllerName": "example.com/nobody"}
    installed.kube.create({"apiVersion": version, "kind": kind, "metadata": {"name": "nobody"}, "spec": spec})
    monkeypatch.setattr("task_gateway.probe.address.ADDRESSED", Wait("gateway-addressed", "it has one", 5))
    try:
        found = probed(installed, ["--gateway-class", "nobody"], tmp_path)
    finally:
        installed.kube.delete(f"{version}/{kind}", "nobody")
    results = {each["name"]: each["result"] for each in found["requirements"]}
    assert results.pop("address") == "not supported"
    assert set(results.values()) == {"skipped"}
    assert left(installed) == []


def test_an_interrupt_leaves_nothing(installed: Installed, words: list[str], tmp_path: Path) -> None:
    call = [sys.executable, "-m", "task_gateway.cli.main", "controller", "probe", *words]
    log = tmp_path / "probe.log"
    process = spawn([*call, "--kubeconfig", installed.cluster.kubeconfig], log=log)
    for _, gateway in installed.kube.watch(GATEWAY, labels=objects.LABEL, seconds=MADE.seconds):
        namespace, name = gateway["metadata"]["namespace"], gateway["metadata"]["name"]
        break
    wait_for(installed.kube, MADE, GATEWAY, name, namespace, lambda found: None if found else "it is not there")
    os.kill(process.pid, signal.SIGINT)
    _, code = os.waitpid(process.pid, 0)
    process.detach()
    assert os.waitstatus_to_exitcode(code) == INTERRUPTED, log.read_text()
    assert left(installed) == []
