"""Scenarios: a server of JupyterHub is culled, its pod is deleted without the hub, or there is no free slot."""

from task_gateway import settings
from task_gateway.kube.kinds import POD
from task_gateway.kube.kubectl import kubectl
from task_gateway.kube.wait import wait_until_gone
from task_gateway_lab.scenarios import own_hub
from task_gateway_lab.scenarios.base import Scenario, ScenarioCase, Step, declare
from task_gateway_lab.scenarios.jupyterhub import ADA, GROUP, HUB, KUBECTL, NEEDS, hub_of, spawn_notebook, stop_server
from task_gateway_lab.scenarios.places import HUB_MANAGER
from task_gateway_lab.scenarios.range_exhausted import filler, take_every_port
from task_gateway_lab.scenarios.task_ends import see_port_closed
from task_gateway_lab.scenarios.tasks import cell

IDLE, DELETED, WAITS = "hub-idle", "hub-deleted", "hub-waits"
CULL = (
    "JUPYTERHUB_API_TOKEN=$API_TOKEN timeout 30 python3 -m jupyterhub_idle_culler "
    "--url=http://127.0.0.1:8081/hub/api --timeout=5 --cull-every=2; true"
)


def run_culler(case: ScenarioCase) -> str:
    """Run the idle culler with a short timeout. A hub runs it as a service, with a longer one."""
    site = hub_of(case).site
    words = ("exec", "-n", site.namespace, f"deployment/{own_hub.HUB}", "--", "sh", "-c", CULL)
    kubectl(site.home.cluster, *words)
    return hub_of(case).gone(IDLE)


def delete_pod(case: ScenarioCase) -> str:
    """Delete the pod as with kubectl; the hub notices it when it polls."""
    managed, hub = case.environment.clusters[HUB_MANAGER], hub_of(case)
    case.facts["deleted_pod"] = name = case.state[DELETED].host
    managed.kube.delete(POD, name, managed.namespace)
    wait_until_gone(managed.kube, settings.POD_GONE, POD, name, managed.namespace)
    return hub.gone(DELETED)


def show_reason(case: ScenarioCase) -> str:
    """Spawn from the browser: the page shows the operator's Event."""
    hub = hub_of(case)
    url = f"{hub.site.url}hub/spawn/{ADA}/{WAITS}"
    case.cleanup.callback(hub.kill, WAITS)
    picture = case.picture("no-slot")
    message = own_hub.page.wait_for_message(url, ADA, hub.password, lambda: hub.refusal(WAITS), picture)
    return f"the page shows: {message}"


def free_port(case: ScenarioCase) -> str:
    """Free one port: the same spawn continues, without another click."""
    case.environment.clusters[HUB_MANAGER].connect().release(filler(0))
    case.state[WAITS] = hub_of(case).follow(WAITS)
    return f"{WAITS} at {case.state[WAITS].address}"


declare(
    Scenario(
        name="jupyterhub_culled",
        group=GROUP,
        sentence="An idle notebook of JupyterHub is culled: its port closes.",
        needs=NEEDS,
        tags=("jupyterhub", "ends"),
        alone=True,
        steps=(
            HUB,
            spawn_notebook(IDLE),
            Step("the idle culler runs", run_culler, f"{KUBECTL} exec deployment/hub -- sh -c '{CULL}'"),
            see_port_closed(IDLE),
        ),
    )
)
declare(
    Scenario(
        name="jupyterhub_pod_deleted",
        group=GROUP,
        sentence="A notebook's pod is deleted behind JupyterHub: its port closes, and the user starts it again.",
        needs=NEEDS,
        tags=("jupyterhub", "ends"),
        steps=(
            HUB,
            spawn_notebook(DELETED),
            Step(
                "pod deleted",
                delete_pod,
                f"kubectl --kubeconfig ${HUB_MANAGER}_kubeconfig -n $tasks_namespace delete pod $deleted_pod",
            ),
            see_port_closed(DELETED),
            spawn_notebook(DELETED),
            cell(DELETED),
            stop_server(DELETED),
        ),
    )
)
declare(
    Scenario(
        name="jupyterhub_no_slot",
        group=GROUP,
        sentence="No slot is free: JupyterHub's page shows the reason; once a slot is free the notebook opens.",
        needs=(*NEEDS, "chromium"),
        tags=("jupyterhub", "limits"),
        alone=True,
        steps=(
            HUB,
            take_every_port(HUB_MANAGER),
            Step("the page shows the reason", show_reason, f"# open ${{hub}}hub/spawn/{ADA}/{WAITS}"),
            Step("one port freed, the notebook starts", free_port, f"task-gateway release {filler(0)}"),
            cell(WAITS),
            stop_server(WAITS),
        ),
    )
)
