"""`task-gateway expose`, `release`, `ls`, `gc`: what users of `kubectl port-forward` would use instead."""

from typing import Annotated

import typer

from task_gateway import settings
from task_gateway.cli import _gateway, _target
from task_gateway.cli._gateway import GatewayOption, StrategyOption
from task_gateway.cli.output import Output, OutputOption, emit
from task_gateway.model import Exposure
from task_gateway.report import tasks as shown
from task_gateway.routing.changes import changes
from task_gateway.routing.gateway import TaskGateway
from task_gateway.routing.objects import id_of, task_of


def register(root: typer.Typer) -> None:
    """Add the commands to the program."""
    root.command(epilog="Example: task-gateway expose pod/notebook-1 --port 8888 --wait")(expose)
    root.command(epilog="Example: task-gateway release pod/notebook-1 --wait")(release)
    root.command(epilog="Example: task-gateway ls -w")(ls)
    root.command(epilog="Example: task-gateway gc --apply")(gc)


def expose(
    pod_or_job: Annotated[str, typer.Argument(help="pod/NAME, job/NAME, or the NAME of a pod.", metavar="POD|JOB")],
    port: Annotated[list[int], typer.Option(help="A port that the pod listens on; may be given more than once.")],
    wait: Annotated[bool, typer.Option("--wait", help="Return once a connection reaches the pod.")] = False,
    owner: Annotated[str, typer.Option(help="Whose task it is, as `ls` shows it.")] = "",
    strategy: StrategyOption = None,
    gateway: GatewayOption = None,
    config: _target.ConfigOption = None,
    kubeconfig: _target.KubeconfigOption = None,
    context: _target.ContextOption = None,
    output: OutputOption = Output.text,
) -> None:
    """Make the ports of a pod or Job reachable through the gateway, and print the addresses.

    A pod without the label task-gateway.dev/task is given it. Repeated, the same addresses are printed.
    """
    site = _gateway.choose(config, kubeconfig, context, gateway)
    task = task_of(site.kube, site.namespace, pod_or_job, tuple(port), owner)
    addresses = _gateway.open_(site, strategy).expose(task, wait=settings.TASK_EXPOSED if wait else None)
    ports = [
        {"target_port": target, "host": address.host, "port": address.port}
        for target, address in zip(task.ports, addresses, strict=True)
    ]
    result = {"task": task.id, "namespace": task.namespace, "ports": ports}
    emit(result, output, lambda _: "\n".join(map(str, addresses)))


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


def ls(
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Go on, and print what changes.")] = False,
    gateway: GatewayOption = None,
    config: _target.ConfigOption = None,
    kubeconfig: _target.KubeconfigOption = None,
    context: _target.ContextOption = None,
    output: OutputOption = Output.text,
) -> None:
    """List the tasks that are exposed, by port."""
    site = _gateway.choose(config, kubeconfig, context, gateway)
    opened = _gateway.open_all(site)
    found = _exposed(opened)
    emit({"tasks": found}, output, lambda _: shown.terminal(found) if found else "no tasks are exposed")
    if not watch:
        return
    for _ in changes(site.kube, site.gateway, site.namespace):
        now = _exposed(opened)
        changed = [each for each in now if each not in found]
        gone = [each for each in found if each.port not in {one.port for one in now}]
        found = now
        if changed or gone:
            emit({"tasks": changed, "gone": gone}, output, lambda _, c=changed, g=gone: shown.changed(c, g))  # type: ignore[misc]


def gc(
    apply: Annotated[bool, typer.Option("--apply", help="Do it; without this nothing is changed.")] = False,
    grace: Annotated[
        float, typer.Option(help="Seconds for which a claim without a pod is left alone.", min=0)
    ] = settings.GRACE_SECONDS,
    gateway: GatewayOption = None,
    config: _target.ConfigOption = None,
    kubeconfig: _target.KubeconfigOption = None,
    context: _target.ContextOption = None,
    output: OutputOption = Output.text,
) -> None:
    """Show what tasks left behind that are gone, and with --apply free it; foreign objects are never touched.

    Exit code 0 if nothing is left, 1 if something is.
    """
    site = _gateway.choose(config, kubeconfig, context, gateway)
    repairs = [
        repair for each in _gateway.open_all(site) for repair in each.reconcile(dry_run=not apply, grace_seconds=grace)
    ]
    emit({"repairs": repairs, "dry_run": not apply}, output, lambda _: shown.repairs(repairs, dry_run=not apply))
    if not all(each.done for each in repairs):
        raise typer.Exit(1)


def _exposed(opened: list[TaskGateway]) -> list[Exposure]:
    return sorted((each for one in opened for each in one.list(ready=True)), key=lambda each: each.port)
