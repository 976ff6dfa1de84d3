"""The JupyterHub of a run, shared by its scenarios: the hub is in the default cluster, notebooks in another."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from task_gateway import settings
from task_gateway.errors import ScenarioFailed
from task_gateway.polling import attempts
from task_gateway_lab.clusters import base, hub_image
from task_gateway_lab.clusters.kind import node_address
from task_gateway_lab.clusters.node import Node
from task_gateway_lab.master.jupyterhub import page
from task_gateway_lab.master.jupyterhub.own import HUB, PROCESS, HubSettings, OwnHub, start
from task_gateway_lab.scenarios.environment import Environment
from task_gateway_lab.scenarios.places import DEFAULT, HUB_MANAGER

__all__ = ["HUB", "OwnHub", "hub_for", "kill_in_spawn", "page"]


def hub_for(environment: Environment) -> OwnHub:
    """Return the hub of a run. The first scenario that requires it starts it, while others wait."""
    return environment.once("jupyterhub", lambda: _start(environment))


def kill_in_spawn(hub: OwnHub, task_id: str, spawn: Callable[[], object]) -> None:
    """Kill the hub when the pod of a spawn exists, and return when the new hub answers."""
    before, node = hub.restarts(), Node.running(hub.site.home.cluster)
    with ThreadPoolExecutor(1) as pool:
        spawning = pool.submit(spawn)
        if not any(hub.pods(task_id) or spawning.done() for _ in attempts(settings.POD_READY)):
            raise settings.POD_READY.timed_out("there is no pod", hub.site.url)
        node.kill(PROCESS)
        if spawning.exception() is None:
            raise ScenarioFailed("the spawn was over before the hub was killed")
    hub.wait_until_restarted(before)


def _start(environment: Environment) -> OwnHub:
    managed, home = environment.clusters[HUB_MANAGER], environment.clusters[DEFAULT].kube
    base.load(home.cluster.name, environment.spec.chart.parent / hub_image.ARCHIVE)
    hub = start(HubSettings(home, node_address(home), environment.spaces["hub"], managed, environment.spec.image))
    environment.versions["jupyterhub"] = hub.version()
    return hub
