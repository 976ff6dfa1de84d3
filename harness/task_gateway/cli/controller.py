"""Probe what a gateway controller supports."""

from pathlib import Path
from typing import Annotated

import typer

from task_gateway import images, records
from task_gateway.cli._commands import Group
from task_gateway.cli._target import ClusterOption, ContextOption
from task_gateway.cli.output import Output, OutputOption, emit, say
from task_gateway.errors import UsageError
from task_gateway.inventory.target import connect
from task_gateway.probe import probe as probing
from task_gateway.probe.fixture import ProbeOptions
from task_gateway.report import controllers as shown

app = typer.Typer(cls=Group, no_args_is_help=True, help=__doc__)


def register(root: typer.Typer) -> None:
    """Add the group to the program."""
    root.add_typer(app, name="controller")


@app.command(epilog="Example: task-gateway controller probe --gateway-class envoy --address 192.0.2.10")
def probe(
    gateway_class: Annotated[
        str, typer.Option(help="GatewayClass of the controller to probe. The probe creates a Gateway.")
    ] = "",
    gateway: Annotated[
        str,
        typer.Option(help="Gateway (NAMESPACE/NAME) to probe through, for controllers that only serve one."),
    ] = "",
    address: Annotated[
        str, typer.Option(help="Address of the Gateway, for example a node's. Default: set by the load balancer.")
    ] = "",
    first_port: Annotated[
        int, typer.Option(help="First port to try. The probe uses three free ports.", min=1025, max=65533)
    ] = ProbeOptions.first_port,
    image: Annotated[
        str, typer.Option(help="Image with python3 for the test pods. Default: the image of the toolchain.")
    ] = "",
    record: Annotated[Path | None, typer.Option(help="Also write the result to this file, as JSON.")] = None,
    kubeconfig: ClusterOption = None,
    context: ContextOption = None,
    output: OutputOption = Output.text,
) -> None:
    """Probe an installed gateway controller.

    Measures the controller against each requirement, and removes all objects that it created for this. Exit code 0 if
    all requirements are met, 1 if not.
    """
    if bool(gateway_class) == bool(gateway):
        raise UsageError(
            "exactly one GatewayClass or Gateway is required", hint="--gateway-class NAME | --gateway NAMESPACE/NAME"
        )
    asked = ProbeOptions(image or images.load().notebook, gateway_class, gateway, address, first_port)
    found = probing.measure(connect(kubeconfig, context), asked, say=say)
    if record is not None:
        say(f"record: {records.save(found, record)}")
    emit(found, output, shown.terminal)
    if not found.suitable:
        raise typer.Exit(1)
