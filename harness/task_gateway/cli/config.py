"""Validate master configurations."""

from pathlib import Path
from typing import Annotated

import typer

from task_gateway import config
from task_gateway.cli._commands import Group
from task_gateway.cli.output import Output, OutputOption, emit
from task_gateway.errors import ConfigError
from task_gateway.model import MasterConfig, ResourceManager

app = typer.Typer(cls=Group, no_args_is_help=True, help=__doc__)


def register(root: typer.Typer) -> None:
    """Add the group to the program."""
    root.add_typer(app, name="config")


@app.command(epilog="Example: task-gateway config validate master.yaml -o json")
def validate(
    file: Annotated[Path, typer.Argument(help="Master configuration (YAML).")],
    output: OutputOption = Output.text,
) -> None:
    """Validate a master configuration.

    Prints all problems of the gateway keys at once, each with its line and key. Exit code 0 if the file is valid, 2 if
    not.
    """
    try:
        master = config.load(file)
    except ConfigError as error:
        lines = "\n".join(str(problem) for problem in error.problems)
        emit({"valid": False, "errors": error.problems}, output, lambda _: lines)
        raise typer.Exit(error.exit_code) from error
    emit({"valid": True, "errors": []}, output, lambda _: _summary(master))


def _summary(master: MasterConfig) -> str:
    managers = [f"  {_line(manager)}" for manager in master.resource_managers]
    return "\n".join([f"{master.file}: valid", *managers])


def _line(manager: ResourceManager) -> str:
    gateway = manager.internal_task_gateway
    if gateway is None:
        return f"{manager.name}: no gateway, the master connects to tasks directly"
    ports = f"ports {gateway.gateway_port_range_start} to {gateway.gateway_port_range_end}"
    name = gateway.full_name
    return f"{manager.name}: Gateway {name} at {gateway.gateway_ip}, {ports}"
