"""The limits of resource managers as tables for a terminal and for a page."""

from collections.abc import Mapping, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from task_gateway.model import Limit, ManagerLimits, PortUse
from task_gateway.printable import printable
from task_gateway.report import markdown_text
from task_gateway.report.cells import cells, table

BINDING = "◀"
HEAD = ("Limit", "What", "Value", "Tasks", "Scope", "Found", "What to raise")


def terminal(managers: Sequence[ManagerLimits]) -> RenderableType:
    """Return a heading and a table for each resource manager, the binding limit marked."""
    parts: list[RenderableType] = []
    for manager in managers:
        parts.append(Text(printable(headline(manager)), style="bold"))
        if manager.ports:
            parts.append(Padding(_ports(manager.ports), (0, 0, 0, 2)))
        if manager.limits:
            parts.append(Padding(_table(manager), (0, 0, 1, 2)))
    return Group(*parts)


def headline_with_ports(manager: ManagerLimits, use: PortUse) -> RenderableType:
    """Return how many tasks fit, how the ports of the range are used, and what to raise."""
    binding = next((each for each in manager.limits if each.id == manager.binding), None)
    parts: list[RenderableType] = [printable(headline(manager)), _ports(use)]
    return Group(*parts, *([printable(f"to raise: {binding.raise_}")] if binding else []))


def headline(manager: ManagerLimits) -> str:
    """Return one sentence: how many tasks fit, how many there are, what binds."""
    if manager.capacity is None:
        why = "no gateway, its tasks are dialled directly" if not manager.gateway else "no limit is known"
        return f"{manager.name}: {why}"
    return (
        f"{manager.name}: {manager.capacity} tasks fit through Gateway {manager.gateway} ({manager.strategy}), "
        f"{manager.active} active, {manager.headroom} more; bound by {manager.binding}"
    )


def markdown(manager: ManagerLimits) -> str:
    """Return one resource manager's ladder as a Markdown table."""
    rows = []
    for each in manager.limits:
        mark = f" {BINDING}" if each.id == manager.binding else ""
        found = (each.description, _number(each.value), _number(each.tasks), each.scope, each.found, each.raise_)
        rows.append((f"`{each.id}`{mark}", *found))
    return markdown_text.table(HEAD, rows, plain=range(len(HEAD))) + "\n"


def page(managers: Sequence[ManagerLimits], versions: Mapping[str, str]) -> str:
    """Return the ladders of several strategies as a part of a page, with the versions they were read at."""
    found = ", ".join(f"{name} {version}" for name, version in versions.items())
    parts = [f"Recorded with {found}.\n"]
    for manager in managers:
        parts.append(f"### {manager.strategy}\n\n{headline(manager)}.\n\n{markdown(manager)}")
    return "\n".join(parts)


def _ports(use: PortUse) -> Table:
    rows = table("PORTS", "FREE", "RESTING", "TASKS", "FOREIGN", "RESERVED", "ABSENT")
    numbers = (use.total, use.free, use.resting, use.tasks, use.foreign, use.reserved, use.absent)
    rows.add_row(*cells(map(str, numbers)))
    return rows


def _table(manager: ManagerLimits) -> Table:
    rows = table("LIMIT", "TASKS", "", "VALUE", "SCOPE", "FOUND", "WHAT", "WHAT TO RAISE")
    for column in (1, 3):
        rows.columns[column].justify = "right"
    for each in manager.limits:
        rows.add_row(*_cells(each, manager.binding), style="bold" if each.id == manager.binding else "")
    return rows


def _cells(limit: Limit, binding: str | None) -> list[Text]:
    mark = BINDING if limit.id == binding else ""
    words = (limit.id, _number(limit.tasks), mark, _number(limit.value), limit.scope, limit.found)
    return cells((*words, limit.description, limit.raise_))


def _number(number: int | None) -> str:
    return "-" if number is None else f"{number:,}"
