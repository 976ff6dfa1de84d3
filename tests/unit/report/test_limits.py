"""Limits as a reader sees them."""

import io

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
    assert lines[-1].strip() == "home: no gateway, its tasks are dialled directly"


def test_the_page_has_every_limit_with_dashes_for_none() -> None:
    page = limits_page.markdown(EAST)
    assert "| `slots` ◀ | slots installed | 6 | 6 | gateway | read | slots.count |" in page
    assert "| `listener-sets` | ListenerSets | - | - | gateway | documented | nothing |" in page
    assert page.count("\n") == 5
