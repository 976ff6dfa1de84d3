"""Scenarios: each strategy reaches its limit at the predicted number of tasks; the error names the limit to raise."""

from dataclasses import replace
from typing import TYPE_CHECKING

from task_gateway.deferred import Deferred
from task_gateway.errors import NoFreeSlot, ScenarioFailed
from task_gateway.model import Task
from task_gateway.routing.gateway_api import GATEWAY
from task_gateway.routing.strategies.base import in_order
from task_gateway.routing.strategies.traits import Traits
from task_gateway_lab.scenarios.base import Scenario, ScenarioCase, Step, declare
from task_gateway_lab.scenarios.places import OWN_LISTENERS

if TYPE_CHECKING:
    from task_gateway.crds import schema
    from task_gateway.inventory import target
    from task_gateway.limits import capacity
else:
    schema = Deferred("task_gateway.crds.schema")
    capacity, target = Deferred("task_gateway.limits.capacity"), Deferred("task_gateway.inventory.target")

MANAGER = "west"
FIRST, COUNT = OWN_LISTENERS
OWN_PORTS = (FIRST, FIRST + COUNT - 1)
"""The range of a strategy that creates listeners, wider than the CRD allows; slots use that of the chart."""
LEFT = 5
"""Listeners that the CRD of Gateway API still allows after `write_listeners` wrote the others in one request."""


def write_listeners(case: ScenarioCase) -> str:
    """Write many listeners at once."""
    managed = case.environment.clusters[MANAGER]
    name, namespace = managed.block.gateway_name, managed.block.gateway_namespace
    gateway = managed.kube.get(GATEWAY, name, namespace)
    before = gateway["spec"]["listeners"]
    case.cleanup.callback(managed.kube.patch, GATEWAY, name, namespace, {"spec": {"listeners": before}})
    ports = range(FIRST, FIRST + schema.UPSTREAM_LISTENERS - LEFT - len(before))
    more = [{"name": f"det-{port}", "port": port, "protocol": "TCP"} for port in ports]
    managed.kube.replace(gateway | {"spec": gateway["spec"] | {"listeners": before + more}})
    return f"{len(ports)} listeners were written at once"


def fill_gateway(strategy: Traits) -> Step:
    """Expose tasks without pods until that is refused, and compare their number with the capacity."""

    def do(case: ScenarioCase) -> str:
        managed = case.environment.clusters[MANAGER]
        gateway = managed.connect(strategy.name, ports=OWN_PORTS if strategy.per_task else None)
        manager = replace(managed.manager, internal_task_gateway=gateway.gateway)
        found = capacity.assess_target(target.GatewayTarget(manager, managed.kube), strategy.name)
        fitted = found.active
        while True:
            task = Task(f"limit-{strategy.name}-{fitted}", managed.namespace, (8080,))
            case.cleanup.callback(gateway.release, task.id)
            try:
                gateway.expose(task)
            except NoFreeSlot as full:
                if fitted != found.capacity:
                    raise ScenarioFailed(f"{fitted} tasks fit, {found.capacity} were predicted: {full}") from full
                return f"{fitted} tasks fit as predicted by {found.binding}; then: {full.message}; {full.hint}"
            fitted += 1

    return Step(
        "filled until it is refused",
        do,
        f"task-gateway limits --kubeconfig ${MANAGER}_kubeconfig --strategy {strategy.name}",
    )


for _strategy in in_order():
    declare(
        Scenario(
            name=f"limit_{_strategy.name}",
            group="Limits",
            sentence=f"With {_strategy.name} as many tasks fit as predicted; the next fails with the limit to raise.",
            tags=("limits",),
            alone=True,
            steps=(
                *((Step("many listeners written", write_listeners),) if _strategy.on_gateway else ()),
                fill_gateway(_strategy),
            ),
        )
    )
