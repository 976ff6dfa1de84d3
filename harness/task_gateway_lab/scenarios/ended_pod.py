"""Scenario: a pod has ended. Its port is closed and freed, and exposing it again fails with its phase."""

from task_gateway import settings
from task_gateway.deferred import socket
from task_gateway.errors import ScenarioFailed
from task_gateway.kube.kinds import POD
from task_gateway.kube.wait import wait_for
from task_gateway.model import Manifest
from task_gateway.routing import live
from task_gateway_lab.scenarios.base import Scenario, ScenarioCase, Step, declare
from task_gateway_lab.scenarios.commands import run_for_gateway
from task_gateway_lab.scenarios.task_ends import reconcile_task, see_port_closed
from task_gateway_lab.scenarios.tasks import start

MANAGER, ID, PORT, SECONDS = "east", "ended-pod", 9000, 10.0


def end_pod(case: ScenarioCase) -> str:
    """Make the only container of the pod exit, and wait until the pod has ended."""
    managed, address = case.environment.clusters[MANAGER], case.state[ID].address
    with socket.create_connection((address.host, address.port), SECONDS) as connection:
        connection.sendall(b"crash\n")
    pod = wait_for(managed.kube, settings.POD_GONE, POD, ID, managed.namespace, _runs)
    case.state["phase"] = pod["status"]["phase"]
    return f"the pod {live.end_of(pod)}"


def expose_ended_pod(case: ScenarioCase) -> str:
    """Expose the ended pod: the error is TaskEnded, names the phase, and no port is claimed."""
    managed, phase = case.environment.clusters[MANAGER], case.state["phase"]
    words = ("expose", f"pod/{ID}", "--port", str(PORT), "--namespace", managed.namespace)
    error = run_for_gateway(managed, *words, codes=(1,))["error"]
    if error["type"] != "TaskEnded" or phase not in error["message"]:
        raise ScenarioFailed(f"the error is not TaskEnded with phase {phase}: {error['type']}: {error['message']}")
    left = [str(each.address) for each in managed.connect().exposed() if each.task_id == ID]
    if left:
        raise ScenarioFailed(f"{ID} has {', '.join(left)}, though expose was refused")
    return str(error["message"])


def _runs(pod: Manifest | None) -> str | None:
    if pod is None:
        return "it does not exist"
    return None if live.end_of(pod) else f"it is {(pod.get('status') or {}).get('phase')}"


declare(
    Scenario(
        name="ended_pod",
        group="When something ends",
        sentence="A pod that ended loses its port; exposing it again fails with its phase.",
        tags=("ends",),
        steps=(
            start("command", MANAGER, ID),
            Step("pod ended", end_pod, "echo crash | nc …  # host and port: $ended_pod"),
            see_port_closed(ID),
            reconcile_task(ID),
            Step(
                "expose refused with the phase",
                expose_ended_pod,
                f"task-gateway expose pod/{ID} --port {PORT} --namespace $tasks_namespace "
                f"--gateway $gateway_namespace/$release --kubeconfig ${MANAGER}_kubeconfig",
            ),
        ),
    )
)
