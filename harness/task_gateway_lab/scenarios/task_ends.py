"""Scenarios: a task is killed, crashes, or is evicted from its node; its port is closed, and is freed."""

from task_gateway import settings
from task_gateway.deferred import socket
from task_gateway.errors import ScenarioFailed
from task_gateway.kube.kinds import POD
from task_gateway.kube.kubectl import kubectl
from task_gateway.kube.wait import wait_for, wait_until_gone
from task_gateway.model import TASK_LABEL, Manifest
from task_gateway_lab.scenarios import runtime
from task_gateway_lab.scenarios.base import Scenario, ScenarioCase, Step, declare
from task_gateway_lab.scenarios.tasks import cell, start

MANAGER, SECONDS = "east", 10.0
KEPT = ("--ignore-daemonsets", "--delete-emptydir-data")


def see_port_closed(id: str) -> Step:
    """Check that the port of an ended task is closed without a release."""

    def do(case: ScenarioCase) -> str:
        running: runtime.RunningTask = case.state[id]
        return f"{running.address} {runtime.reach.wait_until_refused(running.address).value}"

    return Step(f"the port of {id} is closed", do, f"curl -m 5 http://${id.replace('-', '_')}/")


def reconcile_task(id: str) -> Step:
    """Reconcile, and check that the claim of an ended task is freed."""

    def do(case: ScenarioCase) -> str:
        gateway = case.environment.clusters[MANAGER].connect()
        repairs = [each for each in gateway.reconcile(dry_run=False, grace_seconds=0) if each.task_id == id]
        left = [str(each.address) for each in gateway.exposed() if each.task_id == id]
        if left:
            raise ScenarioFailed(f"{id} still has {', '.join(left)}")
        # A reconcile of another scenario, started a moment before, may have freed it.
        reason = repairs[0].reason if repairs else "another reconcile has freed it"
        return f"port {case.state[id].address.port} is free again: {reason}"

    hand = f"task-gateway gc --apply --kubeconfig ${MANAGER}_kubeconfig"
    return Step(f"the port of {id} is freed", do, hand)


def kill_pod(case: ScenarioCase) -> str:
    """Delete the pod as with kubectl, without a grace period."""
    _gone(case, "killed-task")
    return "the pod was deleted without the master"


def crash_process(case: ScenarioCase) -> str:
    """Make the process of the task exit with an error."""
    managed, id = case.environment.clusters[MANAGER], "crashed-task"
    address = case.state[id].address
    with socket.create_connection((address.host, address.port), SECONDS) as connection:
        connection.sendall(b"crash\n")
    wait_for(managed.kube, settings.POD_GONE, POD, id, managed.namespace, _ended)
    return "the process ended with an error"


def drain_node(case: ScenarioCase) -> str:
    """Drain only the task from its node, with kubectl. Other pods stay, because there is no other node for them."""
    managed, id = case.environment.clusters[MANAGER], "drained-task"
    node = managed.kube.get(POD, id, managed.namespace)["spec"]["nodeName"]
    case.cleanup.callback(kubectl, managed.kube.cluster, "uncordon", node)
    kubectl(managed.kube.cluster, "drain", node, "--pod-selector", f"{TASK_LABEL}={id}", "--force", *KEPT)
    wait_until_gone(managed.kube, settings.POD_GONE, POD, id, managed.namespace)
    return f"node {node} was drained of the task"


def _gone(case: ScenarioCase, id: str) -> None:
    managed = case.environment.clusters[MANAGER]
    managed.kube.delete(POD, id, managed.namespace)
    wait_until_gone(managed.kube, settings.POD_GONE, POD, id, managed.namespace)


def _ended(pod: Manifest | None) -> str | None:
    phase = "gone" if pod is None else (pod.get("status") or {}).get("phase")
    return None if phase in ("Failed", "Succeeded", "gone") else f"it is {phase}"


def _scenario(name: str, how: Step, sentence: str, kind: str = "command", *, alone: bool = False) -> None:
    id = f"{name.removeprefix('task_')}-task"
    use = (cell(id),) if kind == "notebook" else ()
    declare(
        Scenario(
            name=name,
            group="When something ends",
            sentence=sentence,
            tags=("ends",),
            alone=alone,
            steps=(start(kind, MANAGER, id), *use, how, see_port_closed(id), reconcile_task(id)),
        )
    )


_scenario(
    "task_killed",
    Step(
        "pod deleted",
        kill_pod,
        f"kubectl --kubeconfig ${MANAGER}_kubeconfig -n $tasks_namespace delete pod killed-task --now",
    ),
    "The pod of a task is deleted without the master: its port closes and is freed.",
)
_scenario(
    "task_crashed",
    Step(
        "process ended",
        crash_process,
        "echo crash | nc …  # host and port: $crashed_task",
    ),
    "The process of a task fails: its port closes and is freed.",
)
_scenario(
    "task_drained",
    Step(
        "node drained of the task",
        drain_node,
        f"""kubectl --kubeconfig ${MANAGER}_kubeconfig drain --all --pod-selector {TASK_LABEL}=drained-task \\
  --force {" ".join(KEPT)}
kubectl --kubeconfig ${MANAGER}_kubeconfig uncordon --all""",
    ),
    "The node of a task is drained: its port closes and is freed.",
    kind="notebook",
    alone=True,
)
