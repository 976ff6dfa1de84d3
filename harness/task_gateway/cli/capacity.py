"""Print how many tasks fit."""

import typer

from task_gateway.cli import _gateway, _target
from task_gateway.cli._gateway import GatewayOption, StrategyOption
from task_gateway.cli.output import Output, OutputOption, emit
from task_gateway.limits import capacity as limits
from task_gateway.limits.site import Site
from task_gateway.report import limits as headlines
from task_gateway.report import tasks as shown


def register(root: typer.Typer) -> None:
    """Add the command to the program."""
    root.command(epilog="Example: task-gateway capacity --config master.yaml -o json")(capacity)


def capacity(
    strategy: StrategyOption = None,
    gateway: GatewayOption = None,
    config: _target.ConfigOption = None,
    kubeconfig: _target.KubeconfigOption = None,
    context: _target.ContextOption = None,
    output: OutputOption = Output.text,
) -> None:
    """Print how many tasks fit, what binds, and how the ports of the range are used."""
    site = _gateway.choose(config, kubeconfig, context, gateway)
    if strategy is not None:
        site = Site(site.target, strategy)
    use = _gateway.open_(site, strategy).ports()
    found = limits.assess(site)
    named = ("name", "gateway", "strategy", "capacity", "active", "headroom", "binding")
    result = {name: getattr(found, name) for name in named} | {"ports": use}
    emit(result, output, lambda _: shown.capacity(found, use, headlines.headline(found)))
