"""The one gateway that a command works on, and the library opened for it."""

from pathlib import Path
from typing import Annotated

import typer

from task_gateway.cli import _target
from task_gateway.errors import UsageError
from task_gateway.limits.site import Site
from task_gateway.limits.target import targets
from task_gateway.routing.base import STRATEGIES
from task_gateway.routing.gateway import TaskGateway

GatewayOption = Annotated[
    str | None,
    typer.Option("--gateway", help="Which gateway, where there are several: a resource manager, or NAMESPACE/NAME."),
]
StrategyOption = Annotated[
    str | None, typer.Option(help="slots, listenersets or listeners; by default the one in use there.")
]


def choose(config: Path | None, kubeconfig: Path | None, context: str | None, wanted: str | None) -> Site:
    """Return the one gateway that is meant; UsageError names those there are if it is not plain which."""
    everywhere = targets(_target.read(config), kubeconfig, context)
    found = {each.manager.name: each for each in everywhere if each.manager.internal_task_gateway is not None}
    if not found:
        raise UsageError("no resource manager has an internal_task_gateway", where=str(config))
    if wanted is None and len(found) == 1:
        return Site(next(iter(found.values())))
    if wanted not in found:
        problem = "there are several gateways" if wanted is None else f"no gateway is called {wanted!r}"
        raise UsageError(problem, hint=f"--gateway {' | '.join(found)}")
    return Site(found[wanted])


def open_(site: Site, strategy: str | None) -> TaskGateway:
    """Return the library for a gateway and its tasks' namespace; UsageError for an unknown strategy."""
    return TaskGateway(site.kube, site.gateway, site.namespace, strategy or site.strategy)


def open_all(site: Site) -> list[TaskGateway]:
    """Return the library for a gateway once for each strategy, for what looks at all tasks."""
    return [TaskGateway(site.kube, site.gateway, site.namespace, name) for name in STRATEGIES.names()]
