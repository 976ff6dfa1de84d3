"""Components of the gateway fail: the API server, the controller, Envoy."""

import time
from datetime import UTC, datetime

import pytest
from tests.faults.lab import DEPLOYMENT, NAMESPACE, PORTS, FaultLab
from tests.faults.notebooks import Kernel
from tests.faults.watching import until, watching
from typer.testing import CliRunner

from task_gateway.cli.main import build
from task_gateway.errors import ClusterUnreachable
from task_gateway.settings import API_READY
from task_gateway_lab.clusters.node import API_SERVER, PROXY

UNREACHABLE_SECONDS = 30.0


def test_the_api_server_cannot_be_reached(lab: FaultLab) -> None:
    """The API server is stopped for 30 s: live tasks answer, expose exits with code 3, and works afterwards."""
    lab.start("late")
    with lab.tasks() as follower, watching(lab.greetings) as seen:
        with lab.node.stopped(API_SERVER):
            ends = time.monotonic() + UNREACHABLE_SECONDS
            words = ["expose", "late", "--port", str(PORTS[0]), "--kubeconfig", str(lab.cluster.kubeconfig)]
            result = CliRunner().invoke(build(), words)
            assert isinstance(result.exception, ClusterUnreachable)
            assert result.exception.exit_code == 3
            while time.monotonic() < ends:
                seen.more(1)
        until(lambda: lab.kube.ready() or "", API_READY.seconds)
        lab.expose("late")
        until(lambda: "" if "late" in {each.task_id for each in follower.exposed()} else "not seen yet", 60)
        follower.release("late")
        lab.forget("late")
        lab.everything_holds()
    assert (seen.failed, seen.strangers) == ([], [])


@pytest.mark.parametrize("how", ["the process is killed", "the pod is deleted"])
def test_the_controller_ends_and_starts_again(lab: FaultLab, how: str) -> None:
    """The gateway controller is killed, or its pod deleted: live tasks answer throughout, new ones afterwards."""
    lab.start("late")
    with watching(lab.greetings) as seen:
        if how == "the process is killed":
            lab.node.kill(lab.controller.process)
        else:
            lab.kill_pods(lab.controller.labels)
        lab.expose("late")
        lab.everything_holds()
    assert (seen.failed, seen.strangers) == ([], [])


def test_claims_and_releases_made_without_a_controller(lab: FaultLab) -> None:
    """The controller is stopped while a task is exposed and another released: both take effect once it continues."""
    lab.start("late", "early")
    lab.expose("early")
    with lab.node.stopped(lab.controller.process):
        (address,) = lab.tasks().expose(lab.task("late"))
        lab.remember("slots", "late", PORTS[:1], [address])
        lab.release("early")
    lab.everything_holds()


@pytest.mark.parametrize("how", ["the process is killed", "the pod is deleted"])
def test_envoy_ends_with_an_open_notebook(lab: FaultLab, how: str) -> None:
    """Envoy is killed while a notebook is open: its client is disconnected, reconnects and finds its kernel."""
    with Kernel(lab) as kernel:
        assert kernel.run("answer = 42") == ""
        if how == "the process is killed":
            lab.node.kill(PROXY)
        else:
            lab.kill_pods(lab.proxies)
        kernel.wait_until_cut()
        assert kernel.run_again("print(answer)") == "42"
    lab.everything_holds()


def test_envoy_is_rolled_out(lab: FaultLab) -> None:
    """Envoy, with two replicas, is rolled out again: no new connection fails."""
    lab.upgrade(lab.values | {"envoy": {"replicas": 2}})
    try:
        name = lab.deployment(lab.proxies)["metadata"]["name"]
        with watching(lab.greetings) as seen:
            restarted = {"kubectl.kubernetes.io/restartedAt": datetime.now(UTC).isoformat()}
            patch = {"spec": {"template": {"metadata": {"annotations": restarted}}}}
            before = lab.kube.patch(DEPLOYMENT, name, NAMESPACE, patch)["metadata"]["generation"]
            after = lab.deployment(lab.proxies)
            assert after["metadata"]["generation"] >= before
            assert "kubectl.kubernetes.io/restartedAt" in after["spec"]["template"]["metadata"]["annotations"]
            lab.everything_holds()
        assert (seen.failed, seen.strangers) == ([], [])
    finally:
        lab.upgrade(lab.values)
        lab.deployment(lab.proxies)
    lab.everything_holds()
