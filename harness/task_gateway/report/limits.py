"""The limits of resource managers as tables for a terminal."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from task_gateway.model import Limit, ManagerLimits, PortUse
from task_gateway.printable import printable
from task_gateway.report.cells import cells, number, table

BINDING = "◀"


def terminal(managers: Sequence[ManagerLimits]) -> RenderableType:
    """Return a heading and a table for each resource manager, with the binding limit marked."""
    parts: list[RenderableType] = []
    for manager in managers:
        parts.append(Text(printable(headline(manager)), style="bold"))
        if manager.ports:
            parts.append(Padding(_ports(manager.ports), (0, 0, 0, 2)))
        if manager.limits:
            parts.append(Padding(_table(manager), (0, 0, 1, 2)))
    return Group(*parts)


def headline_with_ports(manager: ManagerLimits, use: PortUse) -> RenderableType:
    """Return how many tasks fit, how the ports of the range are used, and which limit to raise."""
    binding = next((each for each in manager.limits if each.id == manager.binding), None)
    parts: list[RenderableType] = [printable(headline(manager)), _ports(use)]
    return Group(*parts, *([printable(f"to fit more: {binding.raise_}")] if binding else []))


def headline(manager: ManagerLimits) -> str:
    """Return one sentence with the capacity, the number of tasks, and the binding limit."""
    if manager.capacity is None:
        why = "no gateway, the master connects to tasks directly" if not manager.gateway else "no limit is known"
        return f"{manager.name}: {why}"
    return (
        f"{manager.name}: {manager.capacity} tasks fit through Gateway {manager.gateway} ({manager.strategy}), "
        f"{manager.active} active, {manager.headroom} more; bound by {manager.binding}"
    )


def _ports(use: PortUse) -> Table:
    rows = table("PORTS", "FREE", "RESTING", "TASKS", "FOREIGN", "RESERVED", "ABSENT")
    numbers = (use.total, use.free, use.resting, use.tasks, use.foreign, use.reserved, use.absent)
    rows.add_row(*cells(map(str, numbers)))
    return rows


def _table(manager: ManagerLimits) -> Table:
    rows = table("LIMIT", "TASKS", "", "VALUE", "SCOPE", "FOUND", "DESCRIPTION", "REMEDY")
    for column in (1, 3):
        rows.columns[column].justify = "right"
    for each in manager.limits:
        rows.add_row(*_cells(each, manager.binding), style="bold" if each.id == manager.binding else "")
    return rows


def _cells(limit: Limit, binding: str | None) -> list[Text]:
    mark = BINDING if limit.id == binding else ""
    words = (limit.id, number(limit.tasks), mark, number(limit.value), limit.scope, limit.found)
    return cells((*words, limit.description, limit.raise_))
