"""What a limit is, and where limits are found: a new one is a function in a module of this package."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from task_gateway.errors import Forbidden
from task_gateway.inventory.snapshot import GatewaySnapshot
from task_gateway.model import Limit
from task_gateway.registry import Registry


class Scope(StrEnum):
    """What a limit is a limit of."""

    GATEWAY = "gateway"
    LISTENER_SET = "listener-set"
    RANGE = "range"
    CLUSTER = "cluster"
    CLOUD = "cloud"


class Origin(StrEnum):
    """How a number was come by: read from the cluster, tried out on its API server, or known from a source."""

    READ = "read"
    PROBED = "probed"
    DOCUMENTED = "documented"


@dataclass(frozen=True)
class LimitValue:
    """A limit as found: `value` in the unit of its description, `tasks` that it leaves room for (None: any number)."""

    value: int | None
    tasks: int | None
    origin: Origin
    remedy: str
    note: str = ""


LimitFunction = Callable[[GatewaySnapshot], LimitValue]


@dataclass(frozen=True)
class LimitRule:
    """A limit before it is looked at."""

    id: str
    description: str
    scope: Scope
    measure: LimitFunction

    def limit_at(self, snapshot: GatewaySnapshot) -> Limit:
        """Return the limit as it is at `snapshot`; what may not be read limits nothing and says so."""
        try:
            measured = self.measure(snapshot)
        except Forbidden as refused:
            measured = LimitValue(None, None, Origin.READ, f"unknown: {refused.where} may not be read")
        description = f"{self.description} ({measured.note})" if measured.note else self.description
        value, tasks = _at_least_0(measured.value), _at_least_0(measured.tasks)
        return Limit(self.id, description, value, tasks, self.scope, measured.origin, measured.remedy)


def _at_least_0(number: int | None) -> int | None:
    """Return a number as a limit: more may be in use than a limit allows that was lowered later."""
    return None if number is None else max(0, number)


LIMITS: Registry[LimitRule] = Registry("limit", "task_gateway.limits")


def limit(id: str, scope: Scope, description: str) -> Callable[[LimitFunction], LimitFunction]:
    """Return a decorator that files a function as the limit called `id`."""

    def keep(measure: LimitFunction) -> LimitFunction:
        LIMITS.register(id)(LimitRule(id, description, scope, measure))
        return measure

    return keep
