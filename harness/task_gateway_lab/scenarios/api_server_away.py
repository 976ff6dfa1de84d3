"""Scenario: the API server of one cluster is down for a while; other clusters and its open tasks keep working."""

import time
from contextlib import ExitStack

from task_gateway import settings
from task_gateway.errors import ClusterUnreachable, ScenarioFailed
from task_gateway.polling import attempts
from task_gateway_lab.scenarios import runtime
from task_gateway_lab.scenarios.base import Scenario, ScenarioCase, Step, declare
from task_gateway_lab.scenarios.tasks import cell, end, run_cell, start

AWAY, OTHER = "notebook-away", "notebook-other"


def stop_api_server(case: ScenarioCase) -> str:
    """Suspend the API server of east."""
    node = runtime.Node.running(case.environment.clusters["east"].kube.cluster)
    case.state["stopped"] = case.cleanup.enter_context(ExitStack())
    case.state["stopped"].enter_context(node.stopped(runtime.API_SERVER))
    return f"the API server of {node.name} is stopped"


def use_open_notebooks(case: ScenarioCase) -> str:
    """Use the task that was already open, and one on another cluster."""
    return f"{run_cell(case, AWAY)}; {run_cell(case, OTHER)}"


def start_refused_task(case: ScenarioCase) -> str:
    """Start a task there: it fails in time, with an error that names the cluster."""
    began = time.monotonic()
    try:
        case.environment.platform.launch(runtime.TaskRequest("command", "east", "never-started"))
    except ClusterUnreachable as away:
        return f"after {time.monotonic() - began:.0f} s: {away.message}"
    raise ScenarioFailed("a task was started without an API server")


def resume_api_server(case: ScenarioCase) -> str:
    """Resume the API server, and wait until it answers."""
    case.state["stopped"].close()
    began = time.monotonic()
    kube = case.environment.clusters["east"].kube
    said = None
    for _ in attempts(settings.API_READY):
        said = kube.ready()
        if said is None:
            return f"it answers after {time.monotonic() - began:.0f} s"
    raise settings.API_READY.timed_out(str(said), kube.server)


declare(
    Scenario(
        name="api_server_away",
        group="When something fails",
        sentence="While the API server of a cluster is down, open notebooks keep working and a new task fails in time.",
        needs=("temporary clusters",),
        tags=("fails",),
        alone=True,
        steps=(
            start("notebook", "east", AWAY),
            start("notebook", "west", OTHER),
            cell(AWAY),
            Step(
                "API server of east stopped",
                stop_api_server,
                "docker exec …-east-control-plane pkill -STOP kube-apiserver",
            ),
            Step("open notebooks keep working", use_open_notebooks),
            Step("a new task there fails in time", start_refused_task),
            Step(
                "API server resumed", resume_api_server, "docker exec …-east-control-plane pkill -CONT kube-apiserver"
            ),
            end(AWAY),
            end(OTHER),
        ),
    )
)
