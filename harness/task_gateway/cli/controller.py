"""Probe what a gateway controller supports."""

from pathlib import Path
from typing import Annotated

import typer

from task_gateway import images, records
from task_gateway.cli._target import ClusterOption, ContextOption
from task_gateway.cli.output import Output, OutputOption, emit, say
from task_gateway.errors import UsageError
from task_gateway.inventory.target import connect
from task_gateway.probe import probe as probing
from task_gateway.probe.stage import Asked
from task_gateway.report import controllers as shown

app = typer.Typer(no_args_is_help=True, help=__doc__)


def register(root: typer.Typer) -> None:
    """Add the group to the program."""
    root.add_typer(app, name="controller")


@app.command(epilog="Example: task-gateway controller probe --gateway-class envoy --address 192.0.2.10")
def probe(
    gateway_class: Annotated[
        str, typer.Option(help="Probe the controller of this GatewayClass, by a Gateway of the probe's own.")
    ] = "",
    gateway: Annotated[
        str, typer.Option(help="Probe by this Gateway, NAMESPACE/NAME: for a controller that serves one by name.")
    ] = "",
    address: Annotated[
        str, typer.Option(help="An address for the Gateway, of the nodes for example, where no load balancer is.")
    ] = "",
    first_port: Annotated[
        int, typer.Option(help="Take three free ports from here on.", min=1025, max=65533)
    ] = Asked.first_port,
    image: Annotated[
        str, typer.Option(help="An image with python3 for the pods that answer; the toolchain's if left out.")
    ] = "",
    record: Annotated[Path | None, typer.Option(help="Write the result as JSON into this file.")] = None,
    kubeconfig: ClusterOption = None,
    context: ContextOption = None,
    output: OutputOption = Output.text,
) -> None:
    """Measure an installed controller against each requirement, and remove all that was made for it.

    Exit code 0 if all that is required is met, 1 if something is not.
    """
    if bool(gateway_class) == bool(gateway):
        raise UsageError("name a GatewayClass or a Gateway", hint="--gateway-class NAME | --gateway NAMESPACE/NAME")
    asked = Asked(image or images.load().notebook, gateway_class, gateway, address, first_port)
    found = probing.measure(connect(kubeconfig, context), asked, say=say)
    if record is not None:
        say(f"record: {records.save(found, record)}")
    emit(found, output, shown.terminal)
    if not found.suitable:
        raise typer.Exit(1)
