"""Scenario: no proxy of a gateway runs: a new task is refused in time, and works once the proxy is back."""

import time

from task_gateway.errors import NotReachable, ScenarioFailed
from task_gateway.kube.wait import wait_for
from task_gateway.limits.site import OWNING_NAME
from task_gateway.master.platform import Wish
from task_gateway.model import Manifest
from task_gateway.scenarios.declared import Move, Scenario, Scene, declare
from task_gateway.scenarios.tasks import end, launch, run_cell, start
from task_gateway.settings import Wait

MANAGER, OPEN, NEXT = "east", "notebook-cut", "notebook-after"
DEPLOYMENT = "apps/v1/Deployment"
PROXY_BACK = Wait("proxy-back", "a pod of the gateway's proxy is available", 120)
PROXY_GONE = Wait("proxy-gone", "no pod of the gateway's proxy is left", 120)


def away(scene: Scene) -> str:
    """Scale the proxy to nothing."""
    proxies = _proxies(scene)
    scene.kept["proxies"] = {each["metadata"]["name"]: each["spec"]["replicas"] for each in proxies}
    scene.later.callback(_back, scene)
    _scale(scene, dict.fromkeys(scene.kept["proxies"], 0), PROXY_GONE)
    return f"{', '.join(scene.kept['proxies'])} scaled to 0"


def refused(scene: Scene) -> str:
    """Start a task: the error comes in time, names what is in the way, and leaves nothing."""
    began = time.monotonic()
    try:
        launch(scene, Wish("command", MANAGER, NEXT))
    except NotReachable as problem:
        left = [each.id for each in scene.world.platform.tasks() if each.id == NEXT]
        if left:
            raise ScenarioFailed(f"the refused task {NEXT} is still there") from problem
        return f"after {time.monotonic() - began:.0f} s: {problem.message} ({problem.where})"
    raise ScenarioFailed("a task is reached without a proxy")


def back(scene: Scene) -> str:
    """Scale it up again: the open notebook and a new task answer."""
    _back(scene)
    said = run_cell(scene, OPEN)
    return f"{said}; {NEXT} answers at {launch(scene, Wish('command', MANAGER, NEXT)).address}"


def _proxies(scene: Scene) -> list[Manifest]:
    side = scene.world.sides[MANAGER]
    found = side.kube.list(DEPLOYMENT, labels=f"{OWNING_NAME}={side.block.gateway_name}")
    if not found:
        raise ScenarioFailed("the gateway's proxy is no Deployment that the scenario knows")
    return found


def _back(scene: Scene) -> None:
    if scene.kept["proxies"]:
        _scale(scene, scene.kept["proxies"], PROXY_BACK)
        scene.kept["proxies"] = {}


def _scale(scene: Scene, replicas: dict[str, int], wait: Wait) -> None:
    kube, namespace = scene.world.sides[MANAGER].kube, _proxies(scene)[0]["metadata"]["namespace"]
    for name, count in replicas.items():
        kube.patch(DEPLOYMENT, name, namespace, {"spec": {"replicas": count}})
        wait_for(kube, wait, DEPLOYMENT, name, namespace, _settled)


def _settled(proxy: Manifest | None) -> str | None:
    wanted, status = (proxy or {}).get("spec", {}).get("replicas"), (proxy or {}).get("status") or {}
    counts = status.get("replicas", 0), status.get("availableReplicas", 0)
    return None if counts == (wanted, wanted) else f"{counts[0]} pods, {counts[1]} available, {wanted} wanted"


declare(
    Scenario(
        name="gateway_unreachable",
        group="When something fails",
        sentence="With no proxy a new task is refused in time, with what is in the way; once it is back all answers.",
        tags=("fails",),
        alone=True,
        moves=(
            start("notebook", MANAGER, OPEN),
            Move(
                "proxy scaled to 0",
                away,
                f"kubectl --kubeconfig ${MANAGER}_kubeconfig -n $gateway_namespace scale deployment"
                f" -l {OWNING_NAME}=$release --replicas 0",
            ),
            Move("a new task is refused in time", refused, f"task-gateway check --kubeconfig ${MANAGER}_kubeconfig"),
            Move(
                "proxy scaled up, all answers",
                back,
                f"kubectl --kubeconfig ${MANAGER}_kubeconfig -n $gateway_namespace scale deployment"
                f" -l {OWNING_NAME}=$release --replicas 1",
            ),
            end(OPEN),
            end(NEXT),
        ),
    )
)
