"""The recorded limits of each strategy, for docs/limits.md."""

from collections.abc import Mapping, Sequence

from task_gateway.model import Limit, ManagerLimits
from task_gateway.report.cells import number
from task_gateway.report.limits import BINDING
from task_gateway_lab.report.markdown_text import table


def page(managers: Sequence[ManagerLimits], versions: Mapping[str, str]) -> str:
    """Return the limits of several strategies as a part of a page, with the versions they were read at."""
    found = ", ".join(f"{name} {version}" for name, version in versions.items())
    capacities = [f"- `{each.strategy}`: {number(each.capacity)} tasks, bound by `{each.binding}`" for each in managers]
    return "\n".join([f"Recorded with {found}.", "", *capacities, "", ladder(managers)])


def ladder(managers: Sequence[ManagerLimits]) -> str:
    """Return one table with a column for each strategy; the limit that allows the fewest tasks comes first."""
    head = ("Limit", "Value", *(f"Tasks with `{each.strategy}`" for each in managers), "Scope", "Found")
    rows: dict[str, list[Limit | None]] = {}
    for column, manager in enumerate(managers):
        for each in manager.limits:
            rows.setdefault(each.id, [None] * len(managers))[column] = each
    cells = [_row(name, rows[name], managers) for name in sorted(rows, key=lambda name: (_fewest(rows[name]), name))]
    return table(head, cells, plain=range(len(head)))


def _row(name: str, limits: Sequence[Limit | None], managers: Sequence[ManagerLimits]) -> list[str]:
    tasks = [
        number(each.tasks if each else None) + (f" {BINDING}" if name == manager.binding else "")
        for each, manager in zip(limits, managers, strict=True)
    ]
    known = [each for each in limits if each]
    values = dict.fromkeys(number(each.value) for each in known)
    return [f"`{name}`", " or ".join(values), *tasks, known[0].scope, known[0].found]


def _fewest(limits: Sequence[Limit | None]) -> float:
    return min((each.tasks for each in limits if each and each.tasks is not None), default=float("inf"))
