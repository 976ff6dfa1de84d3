"""The commands on a real gateway, as users run them: expose, ls, capacity, gc, release, master-config."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.cluster.conftest import COUNT, NAMESPACE, RELEASE, START, Installed
from tests.cluster.test_slots import PORT, greeting_of, pod
from typer.testing import CliRunner

from task_gateway import config
from task_gateway.cli.main import build
from task_gateway.errors import NotFound, NotReachable, TaskGatewayError
from task_gateway.kube.wait import condition, wait_for, wait_until_gone
from task_gateway.model import TASK_LABEL, Address, Task
from task_gateway.routing.gateway import TaskGateway
from task_gateway.routing.reach import Answer, probe
from task_gateway.settings import POD_GONE, POD_READY, Wait

SOON = Wait("soon", "a connection through the gateway reaches the task's pod", 3)


@pytest.fixture
def call(installed: Installed) -> Any:
    def run(*words: str, code: int = 0) -> Any:
        arguments = [*words, "--kubeconfig", str(installed.cluster.kubeconfig), "-o", "json"]
        result = CliRunner().invoke(build(), arguments)
        if isinstance(result.exception, TaskGatewayError):
            raise result.exception
        assert result.exit_code == code, result.output
        return json.loads(result.stdout)

    return run


@pytest.fixture
def unlabelled(installed: Installed) -> Iterator[str]:
    """A pod that is no task yet."""
    made = pod("plain")
    del made["metadata"]["labels"]
    installed.kube.create(made)
    wait_for(installed.kube, POD_READY, "v1/Pod", "plain", NAMESPACE, condition("Ready"))
    yield "plain"
    installed.kube.delete("v1/Pod", "plain", NAMESPACE)


def test_a_pod_is_exposed_listed_and_released(installed: Installed, call: Any, unlabelled: str) -> None:
    exposed = call("expose", unlabelled, "--port", str(PORT), "--owner", "ada", "--wait")
    (port,) = exposed["ports"]
    assert greeting_of(Address(port["host"], port["port"])) == "plain"
    assert installed.kube.get("v1/Pod", unlabelled, NAMESPACE)["metadata"]["labels"][TASK_LABEL] == unlabelled
    assert call("expose", f"pod/{unlabelled}", "--port", str(PORT)) == exposed

    (listed,) = call("ls")["tasks"]
    named = ("task_id", "kind", "port", "target_port", "strategy", "ready", "owner")
    assert [listed[name] for name in named] == [unlabelled, "Pod", port["port"], PORT, "slots", True, "ada"]
    seen = call("capacity")
    assert (seen["capacity"], seen["active"], seen["headroom"]) == (COUNT, 1, COUNT - 1)
    assert (seen["ports"]["tasks"], seen["ports"]["free"]) == (1, COUNT - 1)
    assert call("gc") == {"repairs": [], "dry_run": True, "skipped": []}

    released = {"task": unlabelled, "namespace": NAMESPACE, "released": True}
    assert call("release", f"pod/{unlabelled}", "--wait") == released
    assert probe(Address(port["host"], port["port"])) in (Answer.CLOSED, Answer.REFUSED)
    assert call("ls") == {"tasks": []}


def test_a_job_is_exposed_by_its_pods(installed: Installed, call: Any) -> None:
    template = pod("job-task")
    spec = template["spec"] | {"restartPolicy": "Never"}
    labels = {TASK_LABEL: "job-task"}
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "work", "namespace": NAMESPACE},
        "spec": {"template": {"metadata": {"labels": labels}, "spec": spec}},
    }
    installed.kube.create(job)
    try:
        (port,) = call("expose", "job/work", "--port", str(PORT), "--wait")["ports"]
        assert greeting_of(Address(port["host"], port["port"])) == "job-task"
        (listed,) = call("ls")["tasks"]
        assert (listed["task_id"], listed["kind"]) == ("job-task", "Job")
    finally:
        call("release", "job/work", "--wait")
        installed.kube.delete("batch/v1/Job", "work", NAMESPACE)


def test_gc_frees_the_port_of_a_pod_that_is_gone(installed: Installed, call: Any, unlabelled: str) -> None:
    (port,) = call("expose", unlabelled, "--port", str(PORT))["ports"]
    installed.kube.delete("v1/Pod", unlabelled, NAMESPACE)
    wait_until_gone(installed.kube, POD_GONE, "v1/Pod", unlabelled, NAMESPACE)  # the kubelet ends its container first
    (repair,) = call("gc", "--grace", "0", code=1)["repairs"]
    named = ("action", "task_id", "port", "done")
    assert [repair[name] for name in named] == ["free", "plain", port["port"], False]
    (repair,) = call("gc", "--grace", "0", "--apply")["repairs"]
    assert repair["done"] is True
    assert call("ls") == {"tasks": []}


def test_the_block_for_the_master_is_what_a_master_can_read(installed: Installed, call: Any, tmp_path: Path) -> None:
    block = call("master-config")
    file = tmp_path / "master.yaml"
    file.write_text(yaml.safe_dump({"resource_manager": {"type": "kubernetes", **block}}))
    gateway = config.load(file).default.internal_task_gateway
    assert gateway == installed.gateway
    assert (installed.gateway.gateway_name, installed.gateway.gateway_port_range_start) == (RELEASE, START)


def test_what_is_not_there_is_told_with_what_helps(call: Any) -> None:
    with pytest.raises(NotFound, match=f"there is no Pod missing in namespace {NAMESPACE}") as told:
        call("expose", "missing", "--port", "1")
    assert told.value.hint == f"kubectl get pods --namespace {NAMESPACE}"


def test_what_is_in_the_way_is_named(installed: Installed, unlabelled: str) -> None:
    """First the task has no pod, then a pod that listens on another port, then a route without a backend."""
    tasks = TaskGateway(installed.kube, installed.gateway, NAMESPACE)
    try:
        with pytest.raises(NotReachable, match="there is none") as told:
            tasks.expose(Task("nobody", NAMESPACE, (PORT,)), wait=SOON)
        assert told.value.where == f"Pod of task nobody in namespace {NAMESPACE}"

        patch = {"metadata": {"labels": {TASK_LABEL: "deaf"}}}
        installed.kube.patch("v1/Pod", unlabelled, NAMESPACE, patch)
        with pytest.raises(NotReachable, match="nothing listens"):
            tasks.expose(Task("deaf", NAMESPACE, (PORT + 1,)), wait=SOON)
    finally:
        for task in ("nobody", "deaf"):
            tasks.release(task)
