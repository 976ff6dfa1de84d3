"""Scenarios: JupyterHub restarts while notebooks run, and it is killed in the middle of a spawn."""

from task_gateway.errors import ScenarioFailed
from task_gateway_lab.scenarios import own_hub, runtime
from task_gateway_lab.scenarios.base import Scenario, ScenarioCase, Step, declare
from task_gateway_lab.scenarios.jupyterhub import ADA, GROUP, HUB, KUBECTL, NEEDS, hub_of, spawn_notebook, stop_server
from task_gateway_lab.scenarios.places import HUB_MANAGER
from task_gateway_lab.scenarios.tasks import cell, launch

KEPT, KILLED = "hub-kept", "hub-killed"


def restart_hub(case: ScenarioCase) -> str:
    """Restart the hub, and compare its servers before and after."""
    hub = hub_of(case)
    hub.restart()
    after = {each.id: each.addresses for each in hub.tasks()}
    if after.get(KEPT) != case.state[KEPT].addresses:
        raise ScenarioFailed(f"after the restart the hub has {after}")
    return f"{KEPT} at {after[KEPT][0]}, as before"


def kill_hub(case: ScenarioCase) -> str:
    """Kill the hub when the pod of a spawn exists, and wait until the new hub answers."""
    request = runtime.TaskRequest("notebook", HUB_MANAGER, KILLED, ADA)
    own_hub.kill_in_spawn(hub_of(case), KILLED, lambda: launch(case, request))
    return "the hub was killed while the pod started"


def start_again(case: ScenarioCase) -> str:
    """Start the same server again: it has one pod and one port."""
    hub = hub_of(case)
    found = hub.settled(KILLED)
    how = "the hub found it" if found else "it was spawned again"
    request = runtime.TaskRequest("notebook", HUB_MANAGER, KILLED, ADA)
    case.state[KILLED] = hub.follow(KILLED) if found else launch(case, request)
    pods = [each["metadata"]["uid"] for each in hub.pods(KILLED)]
    ports = [each for each in case.environment.clusters[HUB_MANAGER].connect().exposed() if each.task_id in pods]
    if len(pods) != 1 or len(ports) != 1:
        raise ScenarioFailed(f"{KILLED} has {len(pods)} pods and {len(ports)} ports")
    return f"{how}: one pod, at {ports[0].address}"


declare(
    Scenario(
        name="jupyterhub_restarted",
        group=GROUP,
        sentence="JupyterHub restarts while a notebook runs: it finds it at the same port, and it keeps working.",
        needs=NEEDS,
        tags=("jupyterhub", "restart"),
        alone=True,
        steps=(
            HUB,
            spawn_notebook(KEPT),
            cell(KEPT),
            Step(
                "the hub restarted",
                restart_hub,
                f"{KUBECTL} exec deployment/hub -- python3 -c 'import os; os.kill(1, 15)'",
            ),
            cell(KEPT),
            stop_server(KEPT),
        ),
    )
)
declare(
    Scenario(
        name="jupyterhub_killed",
        group=GROUP,
        sentence="JupyterHub is killed in the middle of a spawn: one pod and one port are left, and they work.",
        needs=NEEDS,
        tags=("jupyterhub", "restart"),
        alone=True,
        steps=(
            HUB,
            Step("the hub is killed in a spawn", kill_hub),
            Step("the notebook starts again", start_again, f"# open ${{hub}}user/{ADA}/{KILLED}/lab"),
            cell(KILLED),
            stop_server(KILLED),
        ),
    )
)
