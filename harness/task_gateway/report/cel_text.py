"""What the CEL rules of CRDs allow, as a table for a terminal and as a part of a page."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from task_gateway.model import CelPoint, CelReport, CelVariant, WriteTime
from task_gateway.report.cells import cells

NOT_MEASURED = (
    "Run time is measured for Gateway API's listeners alone, and with --control-plane alone: a CRD is installed for it."
)
HEAD = [
    "Bundle",
    "Channel",
    "CRD",
    "Version",
    "List",
    "Declared",
    "Accepted",
    "Largest object",
    "Requests",
    "Seconds",
    "With rules left out",
]
RIGHT = (5, 7, 8, 9)


def terminal(reports: Sequence[CelReport]) -> RenderableType:
    """Return a row for each version of each CRD; rules are numbered, and their texts follow."""
    rules = numbered(reports)
    table = Table(*(each.upper() for each in HEAD), box=None, pad_edge=False)
    for column in RIGHT:
        table.columns[column].justify = "right"
    for each in reports:
        words = (each.bundle, each.channel, each.crd, each.version, each.path, _number(each.declared_max_items),
                 accepted(each, rules), _number(each.runtime_max_items), str(each.requests), f"{each.seconds:.2f}",
                 variants(each, rules))  # fmt: skip
        table.add_row(*cells(words))
    parts: list[RenderableType] = [table, Text()]
    notes = [f"{mark} {rule}" for rule, mark in rules.items()] + [*filter(None, dict.fromkeys(map(_writes, reports)))]
    if any(each.runtime_max_items is None for each in reports):
        notes.append(NOT_MEASURED)
    return Group(*parts, *map(Text, notes))


def markdown(reports: Sequence[CelReport], server: str) -> str:
    """Return the same as a part of a page: CRDs with equal results share a row, and each rule is quoted once."""
    rules = numbered(reports)
    rows: dict[tuple[str, ...], list[CelReport]] = {}
    for each in reports:
        rows.setdefault(_result(each, rules), []).append(each)
    lines = [
        f"Recorded with Kubernetes {server}.",
        "",
        "| CRD | Bundles | Declared | Accepted | Requests | Largest object | With rules left out |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [f"| `{crd}` | {_bundles(alike)} | {' | '.join(cells)} |" for (crd, *cells), alike in rows.items()]
    lines += ["", *(f"- {mark} `{rule}`" for rule, mark in rules.items())]
    timed = _timed(reports)
    if timed:
        head = "| CRD | Listeners | Seconds of a write, median | p99 | Writes |"
        lines += ["", head, "|---|---|---|---|---|", *timed]
    return "\n".join(lines) + "\n"


def read(entries: Sequence[Mapping[str, Any]]) -> list[CelReport]:
    """Return the reports of the `crds` that `task-gateway cel -o json` printed."""
    return [_report(each) for each in entries]


def numbered(reports: Sequence[CelReport]) -> dict[str, str]:
    """Return the texts of all rules that matter, each with its mark, `[1]` and so on."""
    binding = [each.binding_rule for each in reports if each.binding_rule]
    left_out = [rule for each in reports for variant in each.variants for rule in variant.left_out]
    return {rule: f"[{number}]" for number, rule in enumerate(dict.fromkeys((*binding, *left_out)), 1)}


def accepted(report: CelReport, rules: Mapping[str, str]) -> str:
    """Return the accepted number with the mark of the rule that binds."""
    number = _number(report.accepted_max_items)
    return f"{number} {rules[report.binding_rule]}" if report.binding_rule else f"{number} or more"


def variants(report: CelReport, rules: Mapping[str, str]) -> str:
    """Return what is accepted without which rules."""
    return ", ".join(
        f"{''.join(rules[rule] for rule in each.left_out)}: {_number(each.accepted_max_items)}"
        + (" or more" if each.at_least else "")
        for each in report.variants
    )


def _result(report: CelReport, rules: Mapping[str, str]) -> tuple[str, ...]:
    numbers = (_number(report.declared_max_items), accepted(report, rules), str(report.requests))
    return (report.crd, *numbers, _number(report.runtime_max_items), variants(report, rules))


def _bundles(reports: Sequence[CelReport]) -> str:
    """Return the bundles, those of both channels first, each once."""
    channels: dict[str, list[str]] = {}
    for each in reports:
        channels.setdefault(each.bundle, [])
        if each.channel not in channels[each.bundle]:
            channels[each.bundle].append(each.channel)
    together: dict[str, list[str]] = {}
    for bundle, names in channels.items():
        together.setdefault(" and ".join(names), []).append(bundle)
    return "; ".join(f"{', '.join(bundles)} ({names})" for names, bundles in together.items())


def _timed(reports: Sequence[CelReport]) -> list[str]:
    rows = [
        f"| `{report.crd}` | {each.items:,} | {each.median:.2f} | {each.p99:.2f} | {each.samples} |"
        for report in _last_of_each(reports)
        for each in report.writes
    ]
    return list(dict.fromkeys(rows))


def _last_of_each(reports: Sequence[CelReport]) -> list[CelReport]:
    """Return the last report of each CRD: that of the newest bundle."""
    return list({each.crd: each for each in reports}.values())


def _writes(report: CelReport) -> str:
    if not report.writes:
        return ""
    times = ", ".join(f"{each.items:,}: {each.median:.2f} ({each.p99:.2f})" for each in report.writes)
    return f"{report.crd}, seconds of a write by listeners, median and p99 of {report.writes[0].samples}: {times}"


def _report(entry: Mapping[str, Any]) -> CelReport:
    nested = {
        "variants": tuple(CelVariant(**{**each, "left_out": tuple(each["left_out"])}) for each in entry["variants"]),
        "points": tuple(CelPoint(**each) for each in entry["points"]),
        "writes": tuple(WriteTime(**each) for each in entry["writes"]),
    }
    return CelReport(**{**entry, **nested})


def _number(number: int | None) -> str:
    return "-" if number is None else f"{number:,}"
