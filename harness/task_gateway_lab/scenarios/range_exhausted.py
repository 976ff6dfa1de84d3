"""Scenario: all ports are taken. The next task fails with the limit to raise, and starts when a port is free."""

from task_gateway.errors import NoFreeSlot, ScenarioFailed
from task_gateway.model import Task
from task_gateway_lab.scenarios import runtime
from task_gateway_lab.scenarios.base import Scenario, ScenarioCase, Step, declare
from task_gateway_lab.scenarios.tasks import end, launch, start

MANAGER, FIRST, NEXT = "west", "range-first", "range-next"


def take_every_port(manager: str) -> Step:
    """Claim all free ports, for tasks without pods."""

    def do(case: ScenarioCase) -> str:
        managed = case.environment.clusters[manager]
        gateway, namespace = managed.connect(), managed.namespace
        free = gateway.ports().free
        for number in range(free):
            id = filler(number)
            case.cleanup.callback(gateway.release, id)
            gateway.expose(Task(id, namespace, (1,)))
        return f"{free} more ports taken, {gateway.ports().free} left"

    return Step("every other port taken", do, f"task-gateway limits --kubeconfig ${manager}_kubeconfig")


def filler(number: int) -> str:
    """Return the name of a task that claims a port and has no pod."""
    return f"range-filler-{number}"


def start_refused_task(case: ScenarioCase) -> str:
    """Start one more task, which fails with a hint."""
    try:
        launch(case, runtime.TaskRequest("command", MANAGER, NEXT))
    except NoFreeSlot as full:
        return f"{full.message}; {full.hint}"
    raise ScenarioFailed("a task was started beyond the range")


def free_port(case: ScenarioCase) -> str:
    """Free one port, and start the task again."""
    case.environment.platform.kill(FIRST)
    return f"{NEXT} answers at {launch(case, runtime.TaskRequest('command', MANAGER, NEXT)).address}"


declare(
    Scenario(
        name="range_exhausted",
        group="Limits",
        sentence="With all ports in use the next task fails with the limit to raise; after one is freed it starts.",
        tags=("limits",),
        alone=True,
        steps=(
            start("command", MANAGER, FIRST),
            take_every_port(MANAGER),
            Step("one task more refused", start_refused_task),
            Step("one port freed, the task starts", free_port, f"task-gateway release {FIRST}"),
            end(NEXT),
        ),
    )
)
