"""The recorded limits of each strategy, for docs/limits.md."""

from collections.abc import Mapping, Sequence

from task_gateway.model import ManagerLimits
from task_gateway.report.cells import number
from task_gateway.report.limits import BINDING, headline
from task_gateway_lab.report.markdown_text import table

HEAD = ("Limit", "What", "Value", "Tasks", "Scope", "Found", "What to raise")


def page(managers: Sequence[ManagerLimits], versions: Mapping[str, str]) -> str:
    """Return the ladders of several strategies as a part of a page, with the versions they were read at."""
    found = ", ".join(f"{name} {version}" for name, version in versions.items())
    parts = [f"Recorded with {found}.\n"]
    for manager in managers:
        parts.append(f"### {manager.strategy}\n\n{headline(manager)}.\n\n{markdown(manager)}")
    return "\n".join(parts)


def markdown(manager: ManagerLimits) -> str:
    """Return one resource manager's ladder as a Markdown table."""
    rows = []
    for each in manager.limits:
        mark = f" {BINDING}" if each.id == manager.binding else ""
        found = (each.description, number(each.value), number(each.tasks), each.scope, each.found, each.raise_)
        rows.append((f"`{each.id}`{mark}", *found))
    return table(HEAD, rows, plain=range(len(HEAD))) + "\n"
