"""Scenarios: a task is killed, crashes, or is evicted from its node; its port leads nowhere, and is free again."""

import socket

from task_gateway import settings
from task_gateway.errors import ScenarioFailed
from task_gateway.kube.kinds import POD
from task_gateway.kube.wait import wait_for, wait_until_gone
from task_gateway.master.platform import Running, Wish
from task_gateway.model import Manifest
from task_gateway.routing import reach
from task_gateway.scenarios.declared import Move, Scenario, Scene, declare
from task_gateway.scenarios.tasks import cell, launch, start

MANAGER, SECONDS = "east", 10.0


def refused(id: str) -> Move:
    """See that the port of a task that ended leads nowhere, though nobody released it."""

    def do(scene: Scene) -> str:
        running: Running = scene.kept[id]
        return f"{running.address} {reach.wait_until_refused(running.address).value}"

    return Move(f"the port of {id} leads nowhere", do, f"curl -m 5 http://${id.replace('-', '_')}/")


def collected(id: str) -> Move:
    """Let a reconcile free what the task left, and give the next task the gateway's ports."""

    def do(scene: Scene) -> str:
        side = scene.world.sides[MANAGER]
        if side.gateway is None:
            raise ScenarioFailed(f"{MANAGER} has no gateway")
        repairs = [each for each in side.gateway.reconcile(dry_run=False, grace_seconds=0) if each.task_id == id]
        if not repairs or not all(each.done for each in repairs):
            raise ScenarioFailed(f"nothing was freed for {id}")
        return f"port {repairs[0].port} is free again: {repairs[0].reason}"

    hand = f"task-gateway gc --apply --kubeconfig ${MANAGER}_kubeconfig"
    return Move(f"what {id} left is collected", do, hand)


def killed(scene: Scene) -> str:
    """Delete the pod as somebody with kubectl would, without a time to end in."""
    _gone(scene, "killed-task")
    return "the pod was deleted behind the master's back"


def crashed(scene: Scene) -> str:
    """Let the task's own process end."""
    side, id = scene.world.sides[MANAGER], "crashed-task"
    address = scene.kept[id].address
    with socket.create_connection((address.host, address.port), SECONDS) as connection:
        connection.sendall(b"crash\n")
    wait_for(side.kube, settings.POD_GONE, POD, id, side.namespace, _ended)
    return "the process ended with an error"


def drained(scene: Scene) -> str:
    """Evict the pod as `kubectl drain` does."""
    side, id = scene.world.sides[MANAGER], "drained-task"
    side.kube.evict(id, side.namespace)
    wait_until_gone(side.kube, settings.POD_GONE, POD, id, side.namespace)
    return "the pod was evicted"


def again(scene: Scene) -> str:
    """Start another task, which gets a port."""
    running = launch(scene, Wish("command", MANAGER, "next-task"))
    return f"next-task answers at {running.address}"


def _gone(scene: Scene, id: str) -> None:
    side = scene.world.sides[MANAGER]
    side.kube.delete(POD, id, side.namespace)
    wait_until_gone(side.kube, settings.POD_GONE, POD, id, side.namespace)


def _ended(pod: Manifest | None) -> str | None:
    phase = "gone" if pod is None else (pod.get("status") or {}).get("phase")
    return None if phase in ("Failed", "Succeeded", "gone") else f"it is {phase}"


def _scenario(name: str, how: Move, sentence: str, kind: str = "command") -> None:
    id = f"{name.removeprefix('task_')}-task"
    use = (cell(id),) if kind == "notebook" else ()
    declare(
        Scenario(
            name=name,
            group="When something ends",
            sentence=sentence,
            tags=("ends",),
            moves=(start(kind, MANAGER, id), *use, how, refused(id), collected(id)),
        )
    )


_scenario(
    "task_killed",
    Move(
        "pod deleted",
        killed,
        f"kubectl --kubeconfig ${MANAGER}_kubeconfig -n $tasks_namespace delete pod killed-task --now",
    ),
    "A task's pod is deleted behind the master's back: its port leads nowhere, and is collected.",
)
_scenario(
    "task_crashed",
    Move(
        "process ended",
        crashed,
        "echo crash | nc …  # host and port: $crashed_task",
    ),
    "A task's process ends with an error: its port leads nowhere, and is collected.",
)
_scenario(
    "task_drained",
    Move("pod evicted", drained, f"kubectl --kubeconfig ${MANAGER}_kubeconfig drain … --ignore-daemonsets"),
    "A task's node is drained: its port leads nowhere, and is collected.",
    kind="notebook",
)
