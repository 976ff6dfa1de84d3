"""List the tasks that are exposed."""

from typing import Annotated

import typer

from task_gateway.cli import _gateway, _target
from task_gateway.cli._gateway import GatewayOption, NamespaceOption
from task_gateway.cli.output import Output, OutputOption, emit
from task_gateway.inventory.snapshot import GatewaySnapshot
from task_gateway.model import Exposure
from task_gateway.report import tasks as shown
from task_gateway.routing import determined
from task_gateway.routing.changes import changes
from task_gateway.routing.gateway import TaskGateway


def register(root: typer.Typer) -> None:
    """Add the command to the program."""
    root.command(epilog="Example: task-gateway ls -w")(ls)


def ls(
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Keep running, and print each change.")] = False,
    namespace: NamespaceOption = None,
    gateway: GatewayOption = None,
    config: _target.ConfigOption = None,
    kubeconfig: _target.KubeconfigOption = None,
    context: _target.ContextOption = None,
    output: OutputOption = Output.text,
) -> None:
    """List the tasks that are exposed.

    Lists the tasks of all task namespaces of the gateway, by port.
    """
    snapshot = _gateway.choose(config, kubeconfig, context, gateway, namespace=namespace)
    several = len(snapshot.namespaces) > 1
    opened = _gateway.open_all(snapshot)
    found = _exposed(snapshot, opened)
    emit(
        {"tasks": found},
        output,
        lambda _: shown.terminal(found, namespaces=several) if found else "no tasks are exposed",
    )
    if not watch:
        return
    for _ in changes(snapshot.kube, snapshot.gateway, snapshot.namespaces):
        now = _exposed(snapshot, opened)
        changed = [each for each in now if each not in found]
        gone = [each for each in found if each.port not in {one.port for one in now}]
        found = now
        if changed or gone:
            rows = shown.changed(changed, gone, namespaces=several)
            emit({"tasks": changed, "gone": gone}, output, lambda _, rows=rows: rows)  # type: ignore[misc]


def _exposed(snapshot: GatewaySnapshot, opened: list[TaskGateway]) -> list[Exposure]:
    found, _ = _gateway.ask(opened, lambda each: each.exposed(ready=True))
    ours = [each for part in found for each in part]
    return sorted(
        [*ours, *determined.exposures(snapshot.kube, snapshot.gateway, snapshot.namespace)], key=lambda each: each.port
    )
