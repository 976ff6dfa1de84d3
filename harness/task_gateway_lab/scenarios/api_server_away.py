"""Scenario: one cluster's API server does not answer for a while; the others work on, and so do its open tasks."""

import time
from contextlib import ExitStack

from task_gateway import settings
from task_gateway.errors import ClusterUnreachable, ScenarioFailed
from task_gateway.polling import attempts
from task_gateway_lab.scenarios import runtime
from task_gateway_lab.scenarios.declared import Move, Scenario, Scene, declare
from task_gateway_lab.scenarios.tasks import cell, end, run_cell, start

AWAY, OTHER = "notebook-away", "notebook-other"


def stop(scene: Scene) -> str:
    """Let the API server of east stand still."""
    node = runtime.Node.running(scene.world.sides["east"].kube.cluster)
    scene.kept["stopped"] = scene.later.enter_context(ExitStack())
    scene.kept["stopped"].enter_context(node.stopped(runtime.API_SERVER))
    return f"the API server of {node.name} is stopped"


def others_work(scene: Scene) -> str:
    """Use the task that was open already, and one on another cluster."""
    return f"{run_cell(scene, AWAY)}; {run_cell(scene, OTHER)}"


def refused(scene: Scene) -> str:
    """Start a task there: the error names the cluster, and comes in time."""
    began = time.monotonic()
    try:
        scene.world.platform.launch(runtime.TaskRequest("command", "east", "never-started"))
    except ClusterUnreachable as away:
        return f"after {time.monotonic() - began:.0f} s: {away.message}"
    raise ScenarioFailed("a task was started without an API server")


def go_on(scene: Scene) -> str:
    """Let it go on, and start a task there."""
    scene.kept["stopped"].close()
    began = time.monotonic()
    kube = scene.world.sides["east"].kube
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
        moves=(
            start("notebook", "east", AWAY),
            start("notebook", "west", OTHER),
            cell(AWAY),
            Move("API server of east stopped", stop, "docker exec …-east-control-plane pkill -STOP kube-apiserver"),
            Move("open notebooks keep working", others_work),
            Move("a new task there fails in time", refused),
            Move("API server resumed", go_on, "docker exec …-east-control-plane pkill -CONT kube-apiserver"),
            end(AWAY),
            end(OTHER),
        ),
    )
)
