"""What every strategy offers, and where strategies are found: a new one is a new module of this package."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from task_gateway.errors import UsageError
from task_gateway.kube.client import Kube
from task_gateway.model import Address, InternalTaskGateway, Task
from task_gateway.registry import Registry
from task_gateway.routing import names
from task_gateway.routing.templates import upgrade


@dataclass(frozen=True)
class Exposure:
    """A task that is reachable: `port` is the gateway's, `address` what the master dials."""

    task_id: str
    owner: str
    port: int
    address: Address
    claimed_at: datetime | None


class Strategy(Protocol):
    """One way to make tasks reachable through a gateway; all its state lives in the cluster."""

    def expose(self, task: Task) -> Address:
        """Make a task reachable and return where; the same again if repeated. NoFreeSlot when full."""
        ...

    def release(self, task_id: str) -> None:
        """Make a task unreachable and free its port. A task that is not exposed is fine."""
        ...

    def list(self) -> list[Exposure]:
        """Return the exposed tasks by port."""
        ...


StrategyFactory = Callable[[Kube, InternalTaskGateway, str], Strategy]
"""Takes the cluster of the gateway, the gateway, and the namespace that the tasks run in."""

STRATEGIES: Registry[StrategyFactory] = Registry("strategy", "task_gateway.routing")


def check_task(task: Task, gateway: InternalTaskGateway, namespace: str) -> None:
    """Refuse a task that no strategy for `namespace` can make reachable: its id, or where it runs, is wrong."""
    names.check_task_id(task.id)
    if task.namespace != namespace:
        raise UsageError(
            f"task {task.id} runs in namespace {task.namespace}, Gateway {gateway.gateway_name} is to serve "
            f"namespace {namespace}",
            hint=upgrade(gateway, f"--set slots.namespace={task.namespace}"),
        )


def check_target_port(task: Task, found: int | str | None, service: str) -> None:
    """Refuse a task that the Service `service` exposes already with the target port `found`, if that is another."""
    if found != task.port:
        raise UsageError(
            f"task {task.id} is exposed with target port {found}, not {task.port}",
            where=f"Service {task.namespace}/{service}",
            hint="release the task first",
        )
