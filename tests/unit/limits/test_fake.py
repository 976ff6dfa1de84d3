"""A new limit is one function: the capacity, its table and checks include it without other changes."""

from collections.abc import Callable

import pytest
from rich.console import Console

from task_gateway.inventory.snapshot import GatewaySnapshot
from task_gateway.limits.base import LIMITS, LimitValue, Origin, Scope, limit
from task_gateway.limits.capacity import assess
from task_gateway.report.limits import terminal

Make = Callable[..., GatewaySnapshot]


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Register a limit, and one that does not apply, instead of those that read a cluster."""
    monkeypatch.setattr(LIMITS, "_parts", {"slots": LIMITS.get("slots")})

    @limit("desks", Scope.CLUSTER, "desks in the cluster")
    def desks(_snapshot: GatewaySnapshot) -> LimitValue:
        return LimitValue(5, 5, Origin.READ, "buy desks", "one of them is high")


def test_the_lowest_limit_is_the_capacity_and_the_table_marks_it(snapshot: Make) -> None:
    found = assess(snapshot("listeners"))
    assert (found.capacity, found.binding, found.headroom) == (5, "desks", 5)
    assert [each.id for each in found.limits] == ["desks", "slots"]
    console = Console(width=200)
    with console.capture() as shown:
        console.print(terminal([found]))
    (row,) = [line for line in shown.get().splitlines() if line.strip().startswith("desks")]
    assert all(word in row for word in ("◀", "cluster", "desks in the cluster (one of them is high)", "buy desks"))
