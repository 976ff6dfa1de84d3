"""Scenarios: gateway_ip is wrong, or is a host name, or an IPv6 address."""

import time

from task_gateway.errors import NotReachable, ScenarioFailed
from task_gateway.model import InternalTaskGateway, Task
from task_gateway.routing.gateway import TaskGateway
from task_gateway.scenarios.declared import Move, Scenario, Scene, declare
from task_gateway.scenarios.tasks import start
from task_gateway.settings import Wait

MANAGER = "east"
NOBODY = "192.0.2.1"  # of the block for documentation: nothing is there
PATIENCE = Wait("wrong-address", "a connection through the gateway reaches the task's pod", 10)


def _with_address(scene: Scene, host: str) -> TaskGateway:
    side = scene.world.sides[MANAGER]
    block = side.manager.internal_task_gateway
    if block is None:
        raise ScenarioFailed(f"{MANAGER} has no gateway")
    name, namespace = block.gateway_name, block.gateway_namespace
    ports = block.gateway_port_range_start, block.gateway_port_range_end
    return TaskGateway(side.kube, InternalTaskGateway(name, namespace, host, *ports), side.namespace)


def wrong(scene: Scene) -> str:
    """Expose a task by an address at which nobody is: the error comes in time and says what is in the way."""
    gateway, task = _with_address(scene, NOBODY), Task("wrong-ip", scene.world.sides[MANAGER].namespace, (9000,))
    scene.later.callback(gateway.release, task.id)
    gateway.release(task.id)
    began = time.monotonic()
    try:
        gateway.expose(task, wait=PATIENCE)
    except NotReachable as problem:
        return f"after {time.monotonic() - began:.0f} s: {problem.message}"
    raise ScenarioFailed(f"something answers at {NOBODY}")


declare(
    Scenario(
        name="wrong_gateway_ip",
        group="Configuration",
        sentence="With a wrong gateway_ip a task is reported as not reachable, with what is in the way; nothing hangs.",
        tags=("configuration",),
        moves=(
            start("command", MANAGER, "wrong-ip"),
            Move(
                "exposed by a wrong address",
                wrong,
                f"task-gateway check --config master.yaml --kubeconfig ${MANAGER}_kubeconfig",
            ),
        ),
    )
)
