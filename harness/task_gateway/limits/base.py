"""The types and the registry of limits. To add one, add a function to a module of this package."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from task_gateway.errors import Forbidden
from task_gateway.inventory.snapshot import GatewaySnapshot
from task_gateway.model import Limit
from task_gateway.registry import Registry


class Scope(StrEnum):
    """What a limit applies to."""

    GATEWAY = "gateway"
    LISTENER_SET = "listener-set"
    RANGE = "range"
    CLUSTER = "cluster"
    CLOUD = "cloud"


class Origin(StrEnum):
    """The source of a number: read from the cluster, probed on its API server, or documented."""

    READ = "read"
    PROBED = "probed"
    DOCUMENTED = "documented"


@dataclass(frozen=True)
class LimitValue:
    """The value of a limit, in the unit of its description, and how many `tasks` it allows (None: any number)."""

    value: int | None
    tasks: int | None
    origin: Origin
    remedy: str
    note: str = ""


LimitFunction = Callable[[GatewaySnapshot], LimitValue]


@dataclass(frozen=True)
class LimitRule:
    """A limit, and the function that reads its value."""

    id: str
    description: str
    scope: Scope
    measure: LimitFunction

    def limit_at(self, snapshot: GatewaySnapshot) -> Limit:
        """Return the limit at `snapshot`. Without permission to read it, it has no value, and the advice names why."""
        try:
            measured = self.measure(snapshot)
        except Forbidden as refused:
            measured = LimitValue(None, None, Origin.READ, f"unknown: {refused.where} may not be read")
        description = f"{self.description} ({measured.note})" if measured.note else self.description
        value, tasks = _at_least_0(measured.value), _at_least_0(measured.tasks)
        return Limit(self.id, description, value, tasks, self.scope, measured.origin, measured.remedy)


def _at_least_0(number: int | None) -> int | None:
    """Return the number, at least 0: more may be in use than a limit allows if it was lowered later."""
    return None if number is None else max(0, number)


LIMITS: Registry[LimitRule] = Registry("limit", "task_gateway.limits")


def limit(id: str, scope: Scope, description: str) -> Callable[[LimitFunction], LimitFunction]:
    """Return a decorator that registers a function as the limit `id`."""

    def keep(measure: LimitFunction) -> LimitFunction:
        LIMITS.register(id)(LimitRule(id, description, scope, measure))
        return measure

    return keep
