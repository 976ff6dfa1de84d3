"""Print every limit of each gateway."""

from dataclasses import replace

import typer

from task_gateway.cli import _gateway, _target
from task_gateway.cli._gateway import GatewayOption, NamespaceOption, StrategyOption
from task_gateway.cli.output import Output, OutputOption, emit, warn
from task_gateway.errors import ClusterUnreachable, TaskGatewayError
from task_gateway.inventory.snapshot import GatewaySnapshot
from task_gateway.inventory.target import GatewayTarget, targets
from task_gateway.limits import capacity
from task_gateway.model import ManagerLimits
from task_gateway.report import limits as shown
from task_gateway.routing.strategies.base import STRATEGIES


def register(root: typer.Typer) -> None:
    """Add the command to the program."""
    root.command(epilog="Example: task-gateway limits --config master.yaml -o json")(limits)


def limits(
    config: _target.ConfigOption = None,
    kubeconfig: _target.KubeconfigOption = None,
    context: _target.ContextOption = None,
    gateway: GatewayOption = None,
    namespace: NamespaceOption = None,
    strategy: StrategyOption = None,
    output: OutputOption = Output.text,
) -> None:
    """Print every limit of each gateway.

    Shows how many tasks fit, how the ports are used, and every limit, the lowest first. Covers all resource managers,
    or one with --gateway or --namespace. Changes nothing: dry runs measure the CEL cost.
    """
    if strategy is not None:
        STRATEGIES.get(strategy)
    if gateway is None and namespace is None:
        found = [_limits_of(target, strategy) for target in targets(_target.read(config), kubeconfig, context)]
    else:
        one = _gateway.choose(config, kubeconfig, context, gateway, strategy=strategy, namespace=namespace)
        found = [_assessed(one)]
    emit({"resource_managers": found}, output, lambda _: shown.terminal(found))


def _limits_of(target: GatewayTarget, strategy: str | None) -> ManagerLimits:
    direct = target.manager.internal_task_gateway is None
    return capacity.assess_target(target, strategy) if direct else _assessed(GatewaySnapshot(target, strategy))


def _assessed(snapshot: GatewaySnapshot) -> ManagerLimits:
    """Return the limits of a gateway, with the use of its ports if that can be read."""
    found = replace(capacity.assess(snapshot), namespaces=tuple(snapshot.namespaces))
    try:
        return replace(found, ports=_gateway.port_use(snapshot))
    except ClusterUnreachable:
        raise
    except TaskGatewayError as problem:
        warn(f"cannot read how the ports of Gateway {snapshot.name} are used: {problem.message}")
        return found
