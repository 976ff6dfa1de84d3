"""What the gateway is made of fails: the API server, the controller, Envoy."""

import time
from datetime import UTC, datetime

import pytest
from tests.faults.notebooks import Kernel
from tests.faults.stand import DEPLOYMENT, NAMESPACE, PORTS, Stand
from tests.faults.watching import until, watching
from typer.testing import CliRunner

from task_gateway.cli.main import build
from task_gateway.errors import ClusterUnreachable
from task_gateway.settings import API_READY
from task_gateway_lab.clusters.node import API_SERVER, PROXY

UNREACHABLE_SECONDS = 30.0


def test_the_api_server_cannot_be_reached(stand: Stand) -> None:
    """The API server is stopped for 30 s: live tasks answer, expose exits with code 3, and works afterwards."""
    stand.start("late")
    with stand.tasks() as follower, watching(stand.greetings) as seen:
        with stand.node.stopped(API_SERVER):
            ends = time.monotonic() + UNREACHABLE_SECONDS
            words = ["expose", "late", "--port", str(PORTS[0]), "--kubeconfig", str(stand.cluster.kubeconfig)]
            result = CliRunner().invoke(build(), words)
            assert isinstance(result.exception, ClusterUnreachable)
            assert result.exception.exit_code == 3
            while time.monotonic() < ends:
                seen.more(1)
        until(lambda: stand.kube.ready() or "", API_READY.seconds)
        stand.expose("late")
        until(lambda: "" if "late" in {each.task_id for each in follower.exposed()} else "not seen yet", 60)
        follower.release("late")
        stand.forget("late")
        stand.everything_holds()
    assert (seen.failed, seen.strangers) == ([], [])


@pytest.mark.parametrize("how", ["the process is killed", "the pod is deleted"])
def test_the_controller_ends_and_starts_again(stand: Stand, how: str) -> None:
    """The gateway controller is killed, or its pod deleted: live tasks answer throughout, new ones afterwards."""
    stand.start("late")
    with watching(stand.greetings) as seen:
        if how == "the process is killed":
            stand.node.kill(stand.controller.process)
        else:
            stand.kill_pods(stand.controller.labels)
        stand.expose("late")
        stand.everything_holds()
    assert (seen.failed, seen.strangers) == ([], [])


def test_claims_and_releases_made_without_a_controller(stand: Stand) -> None:
    """The controller is stopped while a task is exposed and another released: both take effect once it continues."""
    stand.start("late", "early")
    stand.expose("early")
    with stand.node.stopped(stand.controller.process):
        (address,) = stand.tasks().expose(stand.task("late"))
        stand.remember("slots", "late", PORTS[:1], [address])
        stand.release("early")
    stand.everything_holds()


@pytest.mark.parametrize("how", ["the process is killed", "the pod is deleted"])
def test_envoy_ends_with_an_open_notebook(stand: Stand, how: str) -> None:
    """Envoy is killed while a notebook is open: its client is disconnected, reconnects and finds its kernel."""
    with Kernel(stand) as kernel:
        assert kernel.run("answer = 42") == ""
        if how == "the process is killed":
            stand.node.kill(PROXY)
        else:
            stand.kill_pods(stand.proxies)
        kernel.wait_until_cut()
        assert kernel.run_again("print(answer)") == "42"
    stand.everything_holds()


def test_envoy_is_rolled_out(stand: Stand) -> None:
    """Envoy, with two replicas, is rolled out again: no new connection fails."""
    stand.upgrade(stand.values | {"envoy": {"replicas": 2}})
    try:
        name = stand.deployment(stand.proxies)["metadata"]["name"]
        with watching(stand.greetings) as seen:
            restarted = {"kubectl.kubernetes.io/restartedAt": datetime.now(UTC).isoformat()}
            patch = {"spec": {"template": {"metadata": {"annotations": restarted}}}}
            before = stand.kube.patch(DEPLOYMENT, name, NAMESPACE, patch)["metadata"]["generation"]
            after = stand.deployment(stand.proxies)
            assert after["metadata"]["generation"] >= before
            assert "kubectl.kubernetes.io/restartedAt" in after["spec"]["template"]["metadata"]["annotations"]
            stand.everything_holds()
        assert (seen.failed, seen.strangers) == ([], [])
    finally:
        stand.upgrade(stand.values)
        stand.deployment(stand.proxies)
    stand.everything_holds()
