"""`task-gateway capacity` and `master-config`: how many tasks fit, and what a master is told of a gateway."""

import dataclasses

import typer
import yaml

from task_gateway.cli import _gateway, _target
from task_gateway.cli._gateway import GatewayOption, StrategyOption
from task_gateway.cli.output import Output, OutputOption, emit
from task_gateway.errors import ApiError
from task_gateway.limits import capacity as limits
from task_gateway.limits.site import Site
from task_gateway.report import limits as headlines
from task_gateway.report import tasks as shown


def register(root: typer.Typer) -> None:
    """Add the commands to the program."""
    root.command(epilog="Example: task-gateway capacity --config master.yaml -o json")(capacity)
    root.command("master-config", epilog="Example: task-gateway master-config >> master.yaml")(master_config)


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


def master_config(
    gateway: GatewayOption = None,
    kubeconfig: _target.KubeconfigOption = None,
    context: _target.ContextOption = None,
    output: OutputOption = Output.text,
) -> None:
    """Print the block `internal_task_gateway` of a live gateway, for the master configuration."""
    site = _gateway.choose(None, kubeconfig, context, gateway)
    if not site.gateway.gateway_ip:
        raise ApiError(
            f"Gateway {site.name} has no address yet",
            where=f"Gateway {site.name}",
            hint="set gateway.addresses of the chart, or see why the load balancer gives none: task-gateway check",
        )
    block = {"internal_task_gateway": dataclasses.asdict(site.gateway)}
    emit(block, output, lambda _: yaml.safe_dump(block, sort_keys=False).rstrip())
