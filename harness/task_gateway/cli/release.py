"""Free all ports of a task."""

from typing import Annotated

import typer

from task_gateway.cli import _gateway, _target
from task_gateway.cli._gateway import GatewayOption, NamespaceOption
from task_gateway.cli.output import Output, OutputOption, emit, warn
from task_gateway.routing import exposed, names


def register(root: typer.Typer) -> None:
    """Add the command to the program."""
    root.command(epilog="Example: task-gateway release pod/notebook-1 --wait")(release)


def release(
    task: Annotated[str, typer.Argument(help="Task ID from `ls`, pod/NAME, job/NAME, or NAME of a pod.")],
    wait: Annotated[bool, typer.Option("--wait", help="Wait until no new connection is accepted.")] = False,
    namespace: NamespaceOption = None,
    gateway: GatewayOption = None,
    config: _target.ConfigOption = None,
    kubeconfig: _target.KubeconfigOption = None,
    context: _target.ContextOption = None,
    output: OutputOption = Output.text,
) -> None:
    """Free all ports of a task.

    Works with every strategy, and also if the pod or Job is gone. Exit code 1 if the task is not exposed.
    """
    snapshot = _gateway.choose(config, kubeconfig, context, gateway, namespace=namespace)
    opened = _gateway.open_all(snapshot)
    found, _ = _gateway.ask(opened, lambda each: each.exposed())
    where, task_id = exposed.meant(
        task, [one for part in found for one in part], snapshot.namespaces, exposed.labels_of(snapshot.kube)
    )
    strategies = {one.strategy for part in found for one in part if (one.namespace, one.task_id) == (where, task_id)}
    for each in opened:
        if each.namespace == where and each.strategy in strategies:
            each.release(task_id, wait=wait)
    if any(one.by_operator and one.task_id == task_id for part in found for one in part):
        warn(f"the operator will expose the pod again. To prevent this: kubectl label pod NAME {names.EXPOSE}-")
    emit({"task": task_id, "namespace": where, "released": True}, output, lambda _: f"task {task_id} is released")
