"""The protocol and the registry of strategies. To add one, add a module to this package.

Other packages check the traits of a strategy and never compare its name.
"""

from collections.abc import Callable, Collection
from datetime import datetime
from typing import Protocol, TypeVar

from task_gateway.errors import UsageError
from task_gateway.kube.client import Kube
from task_gateway.model import Address, Exposure, InternalTaskGateway, Repair, Task
from task_gateway.registry import Registry
from task_gateway.routing import names
from task_gateway.routing.strategies.traits import Traits
from task_gateway.routing.templates import upgrade
from task_gateway.routing.use import Use
from task_gateway.settings import DEFAULTS, Settings

BeforeReuse = Callable[[Address], object]
"""Called before a port in its cooldown is used: returns when connections to it fail, else raises."""


class Strategy(Protocol):
    """A way to make tasks reachable through a gateway. All its state is in the cluster."""

    def expose(self, task: Task, *, before_reuse: BeforeReuse | None = None) -> tuple[Exposure, ...]:
        """Make every port of a task reachable, or none; return them in the order of the task's ports.

        A repeated call returns the same ports. NoFreeSlot if too few ports are free; UsageError if the task is exposed
        with other target ports.
        """
        ...

    def release(self, task_id: str) -> list[Address]:
        """Make a task unreachable, free its ports and return them; return none if the task is not exposed."""
        ...

    def exposed(self) -> list[Exposure]:
        """Return the exposed ports in their order."""
        ...

    def ports(self) -> dict[int, Use]:
        """Return how each port of the range is used, as seen from this namespace."""
        ...

    def reconcile(self, live: Callable[[], Collection[str]], before: datetime, *, dry_run: bool) -> list[Repair]:
        """Free the claims of tasks that are not live, create the missing objects of live tasks; return each repair.

        `live` reads the ids of the live tasks and is called after all other reads. Claims made at `before` or later
        are left alone.
        """
        ...

    def follow(self) -> None:
        """Keep the state by watches from now on. Calls then need not read it."""
        ...

    def close(self) -> None:
        """End the watches."""
        ...


class StrategyFactory(Protocol):
    """The class of a strategy."""

    @property
    def traits(self) -> Traits:
        """The traits of the strategy."""
        ...

    def __call__(
        self, kube: Kube, gateway: InternalTaskGateway, namespace: str, settings: Settings = DEFAULTS
    ) -> Strategy:
        """Create the strategy for tasks in `namespace`; `kube` is the cluster of the gateway."""
        ...


F = TypeVar("F", bound=StrategyFactory)
STRATEGIES: Registry[StrategyFactory] = Registry(
    "strategy", "task_gateway.routing.strategies", {"listenersets": "slots"}
)


def declare(made: F) -> F:
    """Register a strategy under its name."""
    STRATEGIES.register(made.traits.name)(made)
    return made


def in_order() -> list[Traits]:
    """Return the traits of all strategies: the default first, then by name."""
    return sorted((each.traits for each in STRATEGIES), key=lambda each: (not each.default, each.name))


def default() -> str:
    """Return the name of the default strategy."""
    return in_order()[0].name


def traits_of(name: str) -> Traits:
    """Return the traits of a strategy; UsageError, with the known names, if there is none of this name."""
    return STRATEGIES.get(name).traits


def check_task(task: Task, gateway: InternalTaskGateway, namespace: str) -> None:
    """Raise UsageError if the id, ports or namespace of a task are wrong for every strategy."""
    names.check_task_id(task.id)
    if not task.ports or len(set(task.ports)) != len(task.ports) or not all(0 < port < 65536 for port in task.ports):
        raise UsageError(
            f"task {task.id} has the ports {', '.join(map(str, task.ports)) or 'none'}",
            hint="name one port or more, each once, from 1 to 65535",
        )
    if task.namespace != namespace:
        raise UsageError(
            f"task {task.id} runs in namespace {task.namespace}, Gateway {gateway.gateway_name} is to serve "
            f"namespace {namespace}",
            hint=f"add an item for namespace {task.namespace} to the value slots of the chart: {upgrade(gateway)}",
        )


def check_target_ports(task: Task, found: Collection[int | str | None], where: str) -> None:
    """Raise UsageError if a task is already exposed with a target port that is not among its ports."""
    others = [each for each in found if each not in task.ports]
    if others:
        raise UsageError(
            f"task {task.id} is exposed with target port {', '.join(map(str, others))}, "
            f"not {', '.join(map(str, task.ports))}",
            where=where,
            hint=f"release the task first: task-gateway release {task.id}",
        )
