"""Print how many tasks fit."""

import typer

from task_gateway.cli import _gateway, _target
from task_gateway.cli._gateway import GatewayOption, NamespaceOption, StrategyOption
from task_gateway.cli.output import Output, OutputOption, emit
from task_gateway.limits import capacity as limits
from task_gateway.report import limits as headlines
from task_gateway.report import tasks as shown
from task_gateway.routing.use import counted, merged


def register(root: typer.Typer) -> None:
    """Add the command to the program."""
    root.command(epilog="Example: task-gateway capacity --config master.yaml -o json")(capacity)


def capacity(
    strategy: StrategyOption = None,
    namespace: NamespaceOption = None,
    gateway: GatewayOption = None,
    config: _target.ConfigOption = None,
    kubeconfig: _target.KubeconfigOption = None,
    context: _target.ContextOption = None,
    output: OutputOption = Output.text,
) -> None:
    """Print how many tasks fit in all task namespaces, what binds, and how the ports of the range are used."""
    site = _gateway.choose(config, kubeconfig, context, gateway, strategy=strategy, namespace=namespace)
    uses, _ = _gateway.ask(_gateway.open_each(site), lambda each: each.uses())
    use = counted(merged(uses))
    found = limits.assess(site)
    named = ("name", "gateway", "strategy", "capacity", "active", "headroom", "binding")
    result = {name: getattr(found, name) for name in named} | {"ports": use, "namespaces": site.namespaces}
    emit(result, output, lambda _: shown.capacity(found, use, headlines.headline(found)))
