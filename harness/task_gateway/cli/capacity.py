"""Print how many tasks fit."""

import typer

from task_gateway.cli import _gateway, _target
from task_gateway.cli._gateway import GatewayOption, NamespaceOption, StrategyOption
from task_gateway.cli.output import Output, OutputOption, emit
from task_gateway.limits import capacity as limits
from task_gateway.report import limits as shown


def register(root: typer.Typer) -> None:
    """Add the command to the program."""
    root.command(epilog="Example: task-gateway limits --config master.yaml -o json", hidden=True)(capacity)


def capacity(
    strategy: StrategyOption = None,
    namespace: NamespaceOption = None,
    gateway: GatewayOption = None,
    config: _target.ConfigOption = None,
    kubeconfig: _target.KubeconfigOption = None,
    context: _target.ContextOption = None,
    output: OutputOption = Output.text,
) -> None:
    """Print how many tasks fit.

    Covers all task namespaces: which limit binds, and how the ports of the range are used. Use `task-gateway limits`
    instead: this command is removed in the next release.
    """
    snapshot = _gateway.choose(config, kubeconfig, context, gateway, strategy=strategy, namespace=namespace)
    use = _gateway.port_use(snapshot)
    found = limits.assess(snapshot)
    named = ("name", "gateway", "strategy", "capacity", "active", "headroom", "binding")
    result = {name: getattr(found, name) for name in named} | {"ports": use, "namespaces": snapshot.namespaces}
    emit(result, output, lambda _: shown.headline_with_ports(found, use))
