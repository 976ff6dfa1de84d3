"""Make the ports of a pod or Job reachable."""

from contextlib import suppress
from typing import Annotated

import typer

from task_gateway.cli import _gateway, _target
from task_gateway.cli._gateway import GatewayOption, NamespaceOption, StrategyOption
from task_gateway.cli.output import Output, OutputOption, emit, warn
from task_gateway.errors import Forbidden
from task_gateway.kube.client import Kube
from task_gateway.model import Notice, Task
from task_gateway.routing import addresses as addressing
from task_gateway.routing.objects import namespace_of, pods_behind, task_of

SEVERAL_PODS = "SeveralPods"


def register(root: typer.Typer) -> None:
    """Add the command to the program."""
    root.command(epilog="Example: task-gateway expose pod/notebook-1 --port 8888 --wait")(expose)


def expose(
    pod_or_job: Annotated[str, typer.Argument(help="pod/NAME, job/NAME, or NAME of a pod.", metavar="POD|JOB")],
    port: Annotated[list[int], typer.Option(help="Port that the pod listens on. Repeatable.")],
    wait: Annotated[bool, typer.Option("--wait", help="Wait until a connection reaches the pod.")] = False,
    owner: Annotated[str, typer.Option(help="Owner of the task, which `ls` shows. Default: none.")] = "",
    namespace: NamespaceOption = None,
    strategy: StrategyOption = None,
    gateway: GatewayOption = None,
    config: _target.ConfigOption = None,
    kubeconfig: _target.KubeconfigOption = None,
    context: _target.ContextOption = None,
    output: OutputOption = Output.text,
) -> None:
    """Make the ports of a pod or Job reachable.

    Exposes the ports through the gateway and prints their addresses. Adds the label task-gateway.dev/task to a pod that
    lacks it. A repeated call prints the same addresses.
    """
    snapshot = _gateway.choose(config, kubeconfig, context, gateway, strategy=strategy, namespace=namespace)
    addressing.require(snapshot.kube, snapshot.gateway)
    where = namespace_of(snapshot.kube, snapshot.namespaces, pod_or_job)
    tasks = _gateway.open_(snapshot, where)
    task = task_of(snapshot.kube, where, pod_or_job, tuple(port), owner)
    addresses = tasks.expose(task, wait=wait)
    ports = [
        {"target_port": target, "host": address.host, "port": address.port}
        for target, address in zip(task.ports, addresses, strict=True)
    ]
    warnings = _warnings(snapshot.kube, task, pod_or_job)
    for each in warnings:
        warn(each.message)
    result = {"task": task.id, "namespace": task.namespace, "ports": ports, "warnings": warnings}
    emit(result, output, lambda _: "\n".join(map(str, addresses)))


def _warnings(kube: Kube, task: Task, reference: str) -> list[Notice]:
    with suppress(Forbidden):
        if (pods := pods_behind(kube, task)) > 1:
            message = f"{reference} has {pods} pods: each new connection may reach a different pod"
            return [Notice(SEVERAL_PODS, message)]
    return []
