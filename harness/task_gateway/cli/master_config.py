"""Print a gateway's master configuration."""

import dataclasses

import typer

from task_gateway.cli import _gateway, _target
from task_gateway.cli._gateway import GatewayOption
from task_gateway.cli.output import Output, OutputOption, emit
from task_gateway.deferred import yaml
from task_gateway.routing import addresses


def register(root: typer.Typer) -> None:
    """Add the command to the program."""
    root.command("master-config", epilog="Example: task-gateway master-config >> master.yaml")(master_config)


def master_config(
    gateway: GatewayOption = None,
    kubeconfig: _target.KubeconfigOption = None,
    context: _target.ContextOption = None,
    output: OutputOption = Output.text,
) -> None:
    """Print a gateway's master configuration.

    Prints the block `internal_task_gateway` of an installed gateway, to be added to a resource manager.
    """
    snapshot = _gateway.choose(None, kubeconfig, context, gateway)
    addresses.require(snapshot.kube, snapshot.gateway)
    block = {"internal_task_gateway": dataclasses.asdict(snapshot.gateway)}
    emit(block, output, lambda _: yaml.safe_dump(block, sort_keys=False).rstrip())
