"""Selects the gateway of a command, and opens the library for each of its task namespaces."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from task_gateway.cli import _target
from task_gateway.cli.output import warn
from task_gateway.errors import Forbidden, UsageError
from task_gateway.inventory.snapshot import GatewaySnapshot
from task_gateway.inventory.target import targets
from task_gateway.model import PortUse, Skipped
from task_gateway.routing.gateway import TaskGateway
from task_gateway.routing.strategies.base import STRATEGIES, in_order
from task_gateway.routing.use import counted, merged

T = TypeVar("T")

GatewayOption = Annotated[
    str | None,
    typer.Option("--gateway", help="Gateway to use: a resource manager, or NAMESPACE/NAME. Default: the only one."),
]
StrategyOption = Annotated[
    str | None,
    typer.Option(help=f"{' or '.join(each.name for each in in_order())}. Default: the one that the gateway uses."),
]
NamespaceOption = Annotated[
    str | None,
    typer.Option("--namespace", "-n", help="Task namespace to use. Default: all task namespaces of the gateway."),
]


def choose(
    config: Path | None,
    kubeconfig: Path | None,
    context: str | None,
    wanted: str | None,
    *,
    strategy: str | None = None,
    namespace: str | None = None,
) -> GatewaySnapshot:
    """Return the selected gateway; UsageError lists the known ones if the selection is not unique."""
    if namespace == "":
        raise UsageError("--namespace is empty", hint="name a namespace, or omit the option to use all of them")
    everywhere = targets(_target.read(config), kubeconfig, context)
    found = {each.manager.name: each for each in everywhere if each.manager.internal_task_gateway is not None}
    if not found:
        raise UsageError("no resource manager has an internal_task_gateway block", where=str(config))
    if wanted is None and len(found) == 1:
        return GatewaySnapshot(next(iter(found.values())), strategy, namespace=namespace)
    if wanted not in found:
        problem = "there are several gateways" if wanted is None else f"no gateway is called {wanted!r}"
        raise UsageError(problem, hint=f"--gateway {' | '.join(found)}")
    return GatewaySnapshot(found[wanted], strategy, namespace=namespace)


def open_(snapshot: GatewaySnapshot, namespace: str) -> TaskGateway:
    """Return the library for a gateway and one task namespace; UsageError for an unknown strategy."""
    return TaskGateway(snapshot.kube, snapshot.gateway, namespace, snapshot.strategy)


def open_each(snapshot: GatewaySnapshot) -> list[TaskGateway]:
    """Return the library for a gateway once for each task namespace."""
    return [open_(snapshot, namespace) for namespace in snapshot.namespaces]


def open_all(snapshot: GatewaySnapshot) -> list[TaskGateway]:
    """Return the library for a gateway once for each task namespace and strategy."""
    return [
        TaskGateway(snapshot.kube, snapshot.gateway, namespace, strategy)
        for namespace in snapshot.namespaces
        for strategy in STRATEGIES.names()
    ]


def ask(opened: Sequence[TaskGateway], call: Callable[[TaskGateway], T]) -> tuple[list[T], list[Skipped]]:
    """Return the results, and warn about each namespace that may not be read; Forbidden if none may be read."""
    answers, skipped, refused = [], [], []
    for each in opened:
        try:
            answers.append(call(each))
        except Forbidden as problem:
            refused.append(problem)
            skipped.append(Skipped(each.namespace, each.strategy, problem.message, problem.where or ""))
    if refused and not answers:
        raise refused[0]
    for one in skipped:
        warn(f"skipped namespace {one.namespace}, strategy {one.strategy}: {one.reason} (at {one.where})")
    return answers, skipped


def port_use(snapshot: GatewaySnapshot) -> PortUse:
    """Return how tasks use the ports of a gateway's range, in all task namespaces that may be read."""
    uses, _ = ask(open_each(snapshot), lambda each: each.uses())
    return counted(merged(uses))
