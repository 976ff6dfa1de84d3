"""The measured ways to expose a task: each strategy of the library, and the operator, which also uses slots."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from task_gateway.errors import UsageError
from task_gateway.model import OPERATOR, Address, InternalTaskGateway, Task
from task_gateway.routing.gateway import TaskGateway
from task_gateway.routing.strategies import base
from task_gateway.routing.strategies.traits import Traits
from task_gateway_lab.bench.meters import Count, MeteredKube


@dataclass(frozen=True)
class Way:
    """One way. `by_label` means that the operator claims the slots, and clients only write a label to the pod."""

    name: str
    traits: Traits
    by_label: bool = False

    @property
    def claims(self) -> bool:
        """Whether a task claims a slot; otherwise its listener is created."""
        return not self.traits.per_task


class Exposer(Protocol):
    """Exposes and releases the tasks of a measurement in one way."""

    gateway: InternalTaskGateway
    counted_apart: bool
    """Whether counting requests adds load to the cluster. Then samples are either counted or timed."""

    def expose(self, task: Task) -> Address:
        """Expose a task, and return when its client knows the address."""
        ...

    def release(self, task: Task) -> None:
        """Start the release of a task, which may continue afterwards."""
        ...

    def settle(self) -> None:
        """Return when all releases are complete."""
        ...

    def counted(self) -> AbstractContextManager[Count]:
        """Count the requests of tasks that are exposed in the context."""
        ...


class LibraryExposer:
    """Exposes tasks with a strategy of the library, like a resource manager."""

    counted_apart = False

    def __init__(self, tasks: TaskGateway, kube: MeteredKube) -> None:
        self.gateway = tasks.gateway
        self._tasks, self._kube = tasks, kube

    def expose(self, task: Task) -> Address:
        """Expose a task; the call returns its address."""
        (address,) = self._tasks.expose(task)
        return address

    def release(self, task: Task) -> None:
        """Release a task."""
        self._tasks.release(task.id)

    def settle(self) -> None:
        """Return at once."""

    def counted(self) -> AbstractContextManager[Count]:
        """Count the requests of this thread."""
        return self._kube.counted()


def in_order() -> list[Way]:
    """Return all ways: the default strategy, the operator, then the other strategies by name."""
    first, *others = base.in_order()
    return [Way(first.name, first), _operator(), *(Way(each.name, each) for each in others)]


def find_way(name: str) -> Way:
    """Return the way of this name; if there is none, UsageError with the known names or the one to use instead."""
    if name == OPERATOR:
        return _operator()
    try:
        return Way(name, base.traits_of(name))
    except UsageError as problem:
        raise UsageError(problem.message, hint=f"{problem.hint}, or {OPERATOR}") from None


def _operator() -> Way:
    return Way(OPERATOR, base.traits_of(base.default()), by_label=True)
