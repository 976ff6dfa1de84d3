"""Scenario: no proxy of a gateway runs: a new task is refused in time, and works once the proxy is back."""

import time

from task_gateway.errors import NotReachable, ScenarioFailed
from task_gateway.kube.kubectl import kubectl
from task_gateway.limits.site import OWNING_NAME, OWNING_NAMESPACE
from task_gateway.master.platform import Wish
from task_gateway.scenarios.declared import Move, Scenario, Scene, declare
from task_gateway.scenarios.tasks import end, launch, run_cell, start

MANAGER, OPEN, NEXT = "east", "notebook-cut", "notebook-after"
DEPLOYMENT = "apps/v1/Deployment"
PROXY = f"--kubeconfig ${MANAGER}_kubeconfig -n $gateway_namespace -l {OWNING_NAME}=$release"


def away(scene: Scene) -> str:
    """Scale the proxy to nothing, and end its pods at once: by themselves they serve on while connections are open."""
    scene.later.callback(_back, scene)
    said = _scaled(scene, 0)
    cluster = scene.world.sides[MANAGER].kube.cluster
    kubectl(cluster, "delete", "pods", *_proxy(scene), "--force", "--grace-period", "0")
    return said


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


def _back(scene: Scene) -> str:
    said = _scaled(scene, 1)
    kubectl(scene.world.sides[MANAGER].kube.cluster, "rollout", "status", "deployment", *_proxy(scene))
    return said


def _scaled(scene: Scene, replicas: int) -> str:
    cluster = scene.world.sides[MANAGER].kube.cluster
    return kubectl(cluster, "scale", "deployment", *_proxy(scene), "--replicas", str(replicas)).strip()


def _proxy(scene: Scene) -> list[str]:
    """Return the words that name the gateway's proxy to kubectl, wherever its controller made it."""
    side = scene.world.sides[MANAGER]
    labels = f"{OWNING_NAME}={side.block.gateway_name},{OWNING_NAMESPACE}={side.block.gateway_namespace}"
    (namespace,) = {each["metadata"]["namespace"] for each in side.kube.list(DEPLOYMENT, labels=labels)}
    return ["--namespace", namespace, "-l", labels]


declare(
    Scenario(
        name="gateway_unreachable",
        group="When something fails",
        sentence="With no proxy a new task is refused in time, with what is in the way; once it is back all answers.",
        needs=("envoy-gateway",),
        tags=("fails",),
        alone=True,
        moves=(
            start("notebook", MANAGER, OPEN),
            Move(
                "proxy scaled to 0",
                away,
                f"""kubectl {PROXY} scale deployment --replicas 0
kubectl {PROXY} delete pods --force --grace-period 0""",
            ),
            Move("a new task is refused in time", refused, f"task-gateway check --kubeconfig ${MANAGER}_kubeconfig"),
            Move(
                "proxy scaled up, all answers",
                back,
                f"kubectl {PROXY} scale deployment --replicas 1",
            ),
            end(OPEN),
            end(NEXT),
        ),
    )
)
