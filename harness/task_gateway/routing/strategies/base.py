"""What every strategy offers, and where strategies are found: a new one is a new module of this package.

Other rooms ask the traits of a strategy, and none compares its name.
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
"""Called before a port is taken that still rests: returns once it reaches nothing, or raises."""


class Strategy(Protocol):
    """One way to make tasks reachable through a gateway; all its state lives in the cluster."""

    def expose(self, task: Task, *, before_reuse: BeforeReuse | None = None) -> tuple[Exposure, ...]:
        """Make every port of a task reachable, or none; return them in the order of the task's; the same if repeated.

        NoFreeSlot when there are not ports enough; UsageError when the task is exposed with other target ports.
        """
        ...

    def release(self, task_id: str) -> list[Address]:
        """Make a task unreachable, free its ports and return them. A task that is not exposed is fine."""
        ...

    def exposed(self) -> list[Exposure]:
        """Return the exposed ports in their order."""
        ...

    def ports(self) -> dict[int, Use]:
        """Return how each port of the range is used, as seen from this namespace."""
        ...

    def reconcile(self, live: Callable[[], Collection[str]], before: datetime, *, dry_run: bool) -> list[Repair]:
        """Free what no live task has, and complete what one has by half; return each repair.

        `live` reads the ids of the live tasks and is called once all else was read. Claims made at `before` or later
        are left alone.
        """
        ...

    def follow(self) -> None:
        """Keep the state by watches from now on, so that no call has to read it."""
        ...

    def close(self) -> None:
        """End the watches."""
        ...


class StrategyFactory(Protocol):
    """The class of a strategy."""

    @property
    def traits(self) -> Traits:
        """What other rooms need to know of it."""
        ...

    def __call__(
        self, kube: Kube, gateway: InternalTaskGateway, namespace: str, settings: Settings = DEFAULTS
    ) -> Strategy:
        """Take the cluster of the gateway, the gateway, the namespace that the tasks run in, and the settings."""
        ...


F = TypeVar("F", bound=StrategyFactory)
STRATEGIES: Registry[StrategyFactory] = Registry(
    "strategy", "task_gateway.routing.strategies", {"listenersets": "slots"}
)


def declare(made: F) -> F:
    """File a strategy under its name."""
    STRATEGIES.register(made.traits.name)(made)
    return made


def in_order() -> list[Traits]:
    """Return the traits of all strategies: the default first, then by name."""
    return sorted((each.traits for each in STRATEGIES), key=lambda each: (not each.default, each.name))


def default() -> str:
    """Return the name of the strategy that is used unless another one is named."""
    return in_order()[0].name


def traits_of(name: str) -> Traits:
    """Return the traits of a strategy; UsageError names the known ones."""
    return STRATEGIES.get(name).traits


def check_task(task: Task, gateway: InternalTaskGateway, namespace: str) -> None:
    """Refuse a task that no strategy for `namespace` can make reachable: its id, ports, or where it runs is wrong."""
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
    """Refuse a task that is exposed already with a target port that it does not ask for."""
    others = [each for each in found if each not in task.ports]
    if others:
        raise UsageError(
            f"task {task.id} is exposed with target port {', '.join(map(str, others))}, "
            f"not {', '.join(map(str, task.ports))}",
            where=where,
            hint=f"release the task first: task-gateway release {task.id}",
        )
