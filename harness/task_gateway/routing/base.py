"""What every strategy offers, and where strategies are found: a new one is a new module of this package."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from task_gateway.kube.client import Kube
from task_gateway.model import Address, InternalTaskGateway, Task
from task_gateway.registry import Registry


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
