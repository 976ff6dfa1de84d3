"""Scenarios: a server of JupyterHub is culled, its pod is deleted behind the hub, or its spawn finds no free slot."""

from task_gateway import settings
from task_gateway.kube.kinds import POD
from task_gateway.kube.kubectl import kubectl
from task_gateway.kube.wait import wait_until_gone
from task_gateway_lab.scenarios import own_hub
from task_gateway_lab.scenarios.declared import Move, Scenario, Scene, declare
from task_gateway_lab.scenarios.jupyterhub import ADA, GROUP, HUB, KUBECTL, NEEDS, hub_of, notebook, stopped
from task_gateway_lab.scenarios.places import HUB_MANAGER
from task_gateway_lab.scenarios.range_exhausted import filled, filler
from task_gateway_lab.scenarios.task_ends import refused
from task_gateway_lab.scenarios.tasks import cell

IDLE, DELETED, WAITS = "hub-idle", "hub-deleted", "hub-waits"
CULL = (
    "JUPYTERHUB_API_TOKEN=$API_TOKEN timeout 30 python3 -m jupyterhub_idle_culler "
    "--url=http://127.0.0.1:8081/hub/api --timeout=5 --cull-every=2; true"
)


def culled(scene: Scene) -> str:
    """Run the idle culler with a short time, as a service of the hub runs it with a longer one."""
    site = hub_of(scene).site
    words = ("exec", "-n", site.namespace, f"deployment/{own_hub.HUB}", "--", "sh", "-c", CULL)
    kubectl(site.home.cluster, *words)
    return hub_of(scene).gone(IDLE)


def deleted(scene: Scene) -> str:
    """Delete the pod as somebody with kubectl would; the hub finds out when it polls."""
    managed, hub = scene.world.sides[HUB_MANAGER], hub_of(scene)
    scene.facts["deleted_pod"] = name = scene.kept[DELETED].host
    managed.kube.delete(POD, name, managed.namespace)
    wait_until_gone(managed.kube, settings.POD_GONE, POD, name, managed.namespace)
    return hub.gone(DELETED)


def told(scene: Scene) -> str:
    """Spawn from the browser: the page shows the operator's Event."""
    hub = hub_of(scene)
    url = f"{hub.site.url}hub/spawn/{ADA}/{WAITS}"
    scene.later.callback(hub.kill, WAITS)
    picture = scene.picture("no-slot")
    message = own_hub.page.wait_for_message(url, ADA, hub.password, lambda: hub.refusal(WAITS), picture)
    return f"the page shows: {message}"


def freed(scene: Scene) -> str:
    """Free one port: the same spawn continues, without another click."""
    scene.world.sides[HUB_MANAGER].connect().release(filler(0))
    scene.kept[WAITS] = hub_of(scene).follow(WAITS)
    return f"{WAITS} at {scene.kept[WAITS].address}"


declare(
    Scenario(
        name="jupyterhub_culled",
        group=GROUP,
        sentence="An idle notebook of JupyterHub is culled: its port closes.",
        needs=NEEDS,
        tags=("jupyterhub", "ends"),
        alone=True,
        moves=(
            HUB,
            notebook(IDLE),
            Move("the idle culler runs", culled, f"{KUBECTL} exec deployment/hub -- sh -c '{CULL}'"),
            refused(IDLE),
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
        moves=(
            HUB,
            notebook(DELETED),
            Move(
                "pod deleted",
                deleted,
                f"kubectl --kubeconfig ${HUB_MANAGER}_kubeconfig -n $tasks_namespace delete pod $deleted_pod",
            ),
            refused(DELETED),
            notebook(DELETED),
            cell(DELETED),
            stopped(DELETED),
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
        moves=(
            HUB,
            filled(HUB_MANAGER),
            Move("the page shows the reason", told, f"# open ${{hub}}hub/spawn/{ADA}/{WAITS}"),
            Move("one port freed, the notebook starts", freed, f"task-gateway release {filler(0)}"),
            cell(WAITS),
            stopped(WAITS),
        ),
    )
)
