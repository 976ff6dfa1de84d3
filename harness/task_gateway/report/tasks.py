"""Exposed tasks, free ports and repairs, as tables that look like kubectl's."""

from collections.abc import Sequence
from datetime import UTC, datetime

from rich.console import Group, RenderableType
from rich.table import Table

from task_gateway.model import Exposure, ManagerLimits, PortUse, Repair

COLUMNS = ("TASK", "KIND", "PORT", "TARGET", "STRATEGY", "READY", "AGE", "OWNER")
STEPS = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))


def terminal(tasks: Sequence[Exposure], now: datetime | None = None, *, namespaces: bool = False) -> Table:
    """Return a row for each port of each task, with `namespaces` also where it runs."""
    table = Table(*_columns(namespaces=namespaces), box=None, pad_edge=False)
    for each in tasks:
        table.add_row(*_space(each, namespaces=namespaces), *_cells(each, now or datetime.now(UTC)))
    return table


def changed(tasks: Sequence[Exposure], gone: Sequence[Exposure], *, namespaces: bool = False) -> RenderableType:
    """Return rows without a heading: those that changed, and those that are there no more."""
    table = Table(*_columns(namespaces=namespaces), box=None, pad_edge=False, show_header=False)
    for each in tasks:
        table.add_row(*_space(each, namespaces=namespaces), *_cells(each, datetime.now(UTC)))
    for each in gone:
        cells = _cells(each, datetime.now(UTC))
        table.add_row(*_space(each, namespaces=namespaces), *cells[:5], "released", *cells[6:])
    return table


def repairs(found: Sequence[Repair], *, dry_run: bool) -> RenderableType:
    """Return what is done, or would be, and why."""
    if not found:
        return "nothing is left behind"
    table = Table("ACTION", "OBJECT", "TASK", "PORT", "REASON", "DONE", box=None, pad_edge=False)
    for each in found:
        done = "no" if not each.done else "yes"
        port = "" if each.port is None else str(each.port)
        table.add_row(each.action, each.object, each.task_id, port, each.reason, done)
    return Group(table, "nothing was changed; task-gateway gc --apply does it") if dry_run else table


def capacity(limits: ManagerLimits, use: PortUse, headline: str) -> RenderableType:
    """Return how many tasks fit, and how the ports of the range are used."""
    table = Table("PORTS", "FREE", "RESTING", "TASKS", "FOREIGN", "RESERVED", "ABSENT", box=None, pad_edge=False)
    table.add_row(
        *(str(n) for n in (use.total, use.free, use.resting, use.tasks, use.foreign, use.reserved, use.absent))
    )
    binding = next((each for each in limits.limits if each.id == limits.binding), None)
    parts: list[RenderableType] = [headline, table]
    return Group(*parts, *([f"to raise: {binding.raise_}"] if binding else []))


def age(since: datetime | None, now: datetime) -> str:
    """Return how long ago something was, in the largest whole unit, as kubectl does; empty if it is not known."""
    if since is None:
        return ""
    seconds = max(0, int((now - since).total_seconds()))
    size, unit = next(((size, unit) for size, unit in STEPS if seconds >= size), STEPS[-1])
    return f"{seconds // size}{unit}"


def _columns(*, namespaces: bool) -> tuple[str, ...]:
    return ("NAMESPACE", *COLUMNS) if namespaces else COLUMNS


def _space(task: Exposure, *, namespaces: bool) -> list[str]:
    return [task.namespace] if namespaces else []


def _cells(task: Exposure, now: datetime) -> list[str]:
    ready = {None: "", True: "yes", False: "no"}[task.ready]
    ports = [str(task.port), str(task.target_port)]
    return [task.task_id, task.kind, *ports, task.strategy, ready, age(task.since, now), task.owner]
