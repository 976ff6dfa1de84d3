"""Renders exposed tasks and repairs as tables in the style of kubectl."""

from collections.abc import Sequence
from datetime import UTC, datetime

from rich.console import Group, RenderableType
from rich.table import Table

from task_gateway.model import OPERATOR, Exposure, Repair
from task_gateway.report.cells import cells, table

COLUMNS = ("TASK", "KIND", "PORT", "TARGET", "STRATEGY", "READY", "AGE", "OWNER")
STEPS = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))


def terminal(tasks: Sequence[Exposure], now: datetime | None = None, *, namespaces: bool = False) -> Table:
    """Return a row for each port of each task, with `namespaces` also where it runs."""
    rows = table(*_columns(namespaces=namespaces))
    for each in tasks:
        rows.add_row(*cells([*_space(each, namespaces=namespaces), *_words(each, now or datetime.now(UTC))]))
    return rows


def changed(tasks: Sequence[Exposure], gone: Sequence[Exposure], *, namespaces: bool = False) -> RenderableType:
    """Return rows without a heading: those that changed, and those that no longer exist."""
    rows, now = table(*_columns(namespaces=namespaces), show_header=False), datetime.now(UTC)
    for each in tasks:
        rows.add_row(*cells([*_space(each, namespaces=namespaces), *_words(each, now)]))
    for each in gone:
        words = _words(each, now)
        rows.add_row(*cells([*_space(each, namespaces=namespaces), *words[:5], "released", *words[6:]]))
    return rows


def repairs(found: Sequence[Repair], *, dry_run: bool) -> RenderableType:
    """Return the repairs that were done, or would be done, and why."""
    if not found:
        return "nothing is left behind"
    rows = table("ACTION", "OBJECT", "TASK", "PORT", "REASON", "DONE")
    for each in found:
        done = "no" if not each.done else "yes"
        port = "" if each.port is None else str(each.port)
        rows.add_row(*cells([each.action, each.object, each.task_id, port, each.reason, done]))
    return Group(rows, "nothing was changed; task-gateway gc --apply does it") if dry_run else rows


def age(since: datetime | None, now: datetime) -> str:
    """Return the age of something in the largest whole unit, like kubectl; empty if it is not known."""
    if since is None:
        return ""
    seconds = max(0, int((now - since).total_seconds()))
    size, unit = next(((size, unit) for size, unit in STEPS if seconds >= size), STEPS[-1])
    return f"{seconds // size}{unit}"


def _columns(*, namespaces: bool) -> tuple[str, ...]:
    return ("NAMESPACE", *COLUMNS) if namespaces else COLUMNS


def _space(task: Exposure, *, namespaces: bool) -> list[str]:
    return [task.namespace] if namespaces else []


def _words(task: Exposure, now: datetime) -> list[str]:
    ready = {None: "", True: "yes", False: "no"}[task.ready]
    ports = [str(task.port), str(task.target_port)]
    return [
        task.task_id,
        task.kind,
        *ports,
        OPERATOR if task.by_operator else task.strategy,
        ready,
        age(task.since, now),
        task.owner,
    ]
