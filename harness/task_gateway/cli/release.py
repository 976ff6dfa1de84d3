"""Free all ports of a task."""

from typing import Annotated

import typer

from task_gateway import settings
from task_gateway.cli import _gateway, _target
from task_gateway.cli._gateway import GatewayOption
from task_gateway.cli.output import Output, OutputOption, emit
from task_gateway.routing.objects import id_of


def register(root: typer.Typer) -> None:
    """Add the command to the program."""
    root.command(epilog="Example: task-gateway release pod/notebook-1 --wait")(release)


def release(
    task: Annotated[str, typer.Argument(help="A task as `ls` shows it, or pod/NAME or job/NAME.")],
    wait: Annotated[bool, typer.Option("--wait", help="Return once new connections reach nothing.")] = False,
    gateway: GatewayOption = None,
    config: _target.ConfigOption = None,
    kubeconfig: _target.KubeconfigOption = None,
    context: _target.ContextOption = None,
    output: OutputOption = Output.text,
) -> None:
    """Free all ports of a task, whichever strategy exposed it; a task that is not exposed is fine."""
    site = _gateway.choose(config, kubeconfig, context, gateway)
    task_id = id_of(site.kube, site.namespace, task)
    for each in _gateway.open_all(site):
        each.release(task_id, wait=settings.TASK_REFUSED if wait else None)
    emit({"task": task_id, "released": True}, output, lambda _: f"task {task_id} is released")
