"""Scenario: Kubernetes refuses one listener too many, and a CRD whose rules may cost too much; both are reported."""

from typing import TYPE_CHECKING

from task_gateway.deferred import Deferred
from task_gateway.errors import Invalid, ScenarioFailed, UsageError
from task_gateway.routing.gateway_api import GATEWAY
from task_gateway_lab.scenarios.base import Scenario, ScenarioCase, Step, declare

if TYPE_CHECKING:
    from task_gateway.crds import raise_limit
else:
    raise_limit = Deferred("task_gateway.crds.raise_limit")

MANAGER = "west"
LISTENERS, TOO_MANY = 65, 1024


def add_listener(case: ScenarioCase) -> str:
    """Write, as a dry run, a Gateway with one listener more than its CRD allows."""
    managed = case.environment.clusters[MANAGER]
    gateway = managed.kube.get(GATEWAY, managed.block.gateway_name, managed.block.gateway_namespace)
    many = [{"name": f"l-{port}", "port": port, "protocol": "TCP"} for port in range(24000, 24000 + LISTENERS)]
    try:
        managed.kube.replace(gateway | {"spec": gateway["spec"] | {"listeners": many}}, dry_run=True)
    except Invalid as refused:
        return refused.message
    raise ScenarioFailed(f"a Gateway with {LISTENERS} listeners is accepted")


def exceed_rule_cost(case: ScenarioCase) -> str:
    """Raise the CRD, as a dry run, to more listeners than the cost of its rules allows."""
    kube = case.environment.clusters[MANAGER].kube
    try:
        raise_limit.raise_to(kube, TOO_MANY, dry_run=True)
    except UsageError as refused:
        return f"{refused.message}; {refused.hint}"
    raise ScenarioFailed(f"the CRD accepts {TOO_MANY} listeners")


declare(
    Scenario(
        name="cel_refusal",
        group="Limits",
        sentence="One listener more than the CRD allows is rejected, and so is a CRD whose rules may cost too much.",
        tags=("limits",),
        steps=(
            Step(
                f"{LISTENERS} listeners refused",
                add_listener,
                f"task-gateway limits --kubeconfig ${MANAGER}_kubeconfig",
            ),
            Step(
                f"a CRD of {TOO_MANY} listeners refused",
                exceed_rule_cost,
                f"task-gateway crds raise --max-listeners {TOO_MANY} --dry-run --kubeconfig ${MANAGER}_kubeconfig",
            ),
        ),
    )
)
