"""Scenario: the proxy of a gateway does not run. A new task fails in time, and works after the proxy is restored."""

import time

from task_gateway.errors import NotReachable, ScenarioFailed
from task_gateway.kube.kubectl import kubectl
from task_gateway.model import Cluster
from task_gateway_lab.scenarios import runtime
from task_gateway_lab.scenarios.base import Scenario, ScenarioCase, Step, declare
from task_gateway_lab.scenarios.tasks import end, launch, run_cell, start

MANAGER, OPEN, NEXT = "east", "notebook-cut", "notebook-after"
KUBECTL = f"kubectl --kubeconfig ${MANAGER}_kubeconfig -n $gateway_namespace"
SCALE = f"{KUBECTL} scale deployment -l ${{}} --replicas {{}}"


def stop_proxy(case: ScenarioCase) -> str:
    """Stop the proxy: first its controller, which would restore it in a second, then its pods without a grace period.

    With a grace period, the pods keep serving while connections are open.
    """
    case.cleanup.callback(_wait_for_proxy, case)
    said = _scale(case, 0)
    _, proxies = _labels(case)
    kubectl(*_namespace_options(case), "delete", "pods", "-l", proxies, "--force", "--grace-period", "0")
    return said


def start_refused_task(case: ScenarioCase) -> str:
    """Start a task: it fails in time, with an error that names the cause, and leaves no objects."""
    began = time.monotonic()
    try:
        launch(case, runtime.TaskRequest("command", MANAGER, NEXT))
    except NotReachable as problem:
        left = [each.id for each in case.environment.platform.tasks() if each.id == NEXT]
        if left:
            raise ScenarioFailed(f"the refused task {NEXT} is still there") from problem
        return f"after {time.monotonic() - began:.0f} s: {problem.message} ({problem.where})"
    raise ScenarioFailed("a task is reached without a proxy")


def start_proxy(case: ScenarioCase) -> str:
    """Scale the proxy up again: the open notebook and a new task answer."""
    _wait_for_proxy(case)
    said = run_cell(case, OPEN)
    return f"{said}; {NEXT} answers at {launch(case, runtime.TaskRequest('command', MANAGER, NEXT)).address}"


def _wait_for_proxy(case: ScenarioCase) -> str:
    said = _scale(case, 1)
    for labels in _labels(case):
        kubectl(*_namespace_options(case), "rollout", "status", "deployment", "-l", labels)
    return said


def _scale(case: ScenarioCase, replicas: int) -> str:
    said = [
        kubectl(*_namespace_options(case), "scale", "deployment", "-l", labels, "--replicas", str(replicas))
        for labels in _labels(case)
    ]
    return "; ".join(each.strip() for each in said)


def _labels(case: ScenarioCase) -> tuple[str, str]:
    """Return the label selectors of the controller's Deployment, and of the proxy's Deployment and pods."""
    return case.environment.facts["controller_labels"], case.environment.facts["proxy_labels"]


def _namespace_options(case: ScenarioCase) -> tuple[Cluster, str, str]:
    """Return the cluster, and the arguments for the gateway's namespace, which has its controller and its proxy."""
    managed = case.environment.clusters[MANAGER]
    return managed.kube.cluster, "--namespace", managed.block.gateway_namespace


declare(
    Scenario(
        name="gateway_unreachable",
        group="When something fails",
        sentence="Without a proxy a new task fails in time, with the cause; once the proxy is back, all tasks answer.",
        needs=("temporary clusters",),
        tags=("fails",),
        alone=True,
        steps=(
            start("notebook", MANAGER, OPEN),
            Step(
                "proxy scaled to 0",
                stop_proxy,
                f"""{SCALE.format("controller_labels", 0)}
{SCALE.format("proxy_labels", 0)}
{KUBECTL} delete pods -l $proxy_labels --force --grace-period 0""",
            ),
            Step(
                "a new task fails in time", start_refused_task, f"task-gateway check --kubeconfig ${MANAGER}_kubeconfig"
            ),
            Step(
                "proxy scaled up, all tasks answer",
                start_proxy,
                f"{SCALE.format('proxy_labels', 1)}\n{SCALE.format('controller_labels', 1)}",
            ),
            end(OPEN),
            end(NEXT),
        ),
    )
)
