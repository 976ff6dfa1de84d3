"""Limits, for a terminal."""

import io
from dataclasses import replace

from rich.console import Console

from docs import limits as limits_page
from task_gateway.model import Limit, ManagerLimits
from task_gateway.report import limits

RANGE = Limit("port-range", "ports of the range", 64, 64, "range", "read", "the range")
SLOTS = Limit("slots", "slots installed", 6, 6, "gateway", "read", "slots.count")
SETS = Limit("listener-sets", "ListenerSets", None, None, "gateway", "documented", "nothing")
EAST = ManagerLimits("east", "east", "slots", "gw/itg", 6, 2, 4, "slots", (SLOTS, RANGE, SETS))
HOME = ManagerLimits("home", "home", "direct", "", None, 0, None, None)


def shown(managers: list[ManagerLimits]) -> str:
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(limits.terminal(managers))
    return console.export_text()


def test_the_binding_limit_is_marked() -> None:
    lines = shown([EAST, HOME]).splitlines()
    assert lines[0].strip() == ("east: 6 tasks fit through Gateway gw/itg (slots), 2 active, 4 more; bound by slots")
    (marked,) = [line.split() for line in lines if limits.BINDING in line]
    assert marked[:4] == ["slots", "6", limits.BINDING, "6"]
    assert lines[-1].strip() == "home: no gateway, the master connects to tasks directly"


def test_the_page_has_a_column_for_each_strategy_and_dashes_where_a_limit_does_not_apply() -> None:
    narrow = replace(RANGE, value=5, tasks=5)
    listeners = replace(EAST, strategy="listeners", capacity=5, binding="port-range", limits=(narrow, SETS))
    page = limits_page.page([EAST, listeners], {"Kubernetes": "v9"})
    assert page.splitlines() == [
        "Recorded with Kubernetes v9.",
        "",
        "- `slots`: 6 tasks, bound by `slots`",
        "- `listeners`: 5 tasks, bound by `port-range`",
        "",
        "| Limit | Value | Tasks with `slots` | Tasks with `listeners` | Scope | Found |",
        "| --- | --- | --- | --- | --- | --- |",
        "| `port-range` | 64 or 5 | 64 | 5 ◀ | range | read |",
        "| `slots` | 6 | 6 ◀ | - | gateway | read |",
        "| `listener-sets` | - | - | - | gateway | documented |",
    ]
