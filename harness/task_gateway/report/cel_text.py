"""What the CEL rules of CRDs allow, as a table for a terminal and as a part of a page."""

from collections.abc import Mapping, Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from task_gateway.model import CelReport
from task_gateway.report.cells import cells
from task_gateway.report.cells import table as cells_table
from task_gateway.report.markdown_text import table

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
PAGE_HEAD = ("CRD", "Bundles", "Declared", "Accepted", "Requests", "Largest object", "With rules left out")
TIMES_HEAD = ("CRD", "Listeners", "Seconds of a write, median", "p99", "Writes")
RIGHT = (5, 7, 8, 9)


def terminal(reports: Sequence[CelReport]) -> RenderableType:
    """Return a row for each version of each CRD; rules are numbered, and their texts follow."""
    rules = numbered(reports)
    found = cells_table(*(each.upper() for each in HEAD))
    for column in RIGHT:
        found.columns[column].justify = "right"
    for each in reports:
        words = (each.bundle, each.channel, each.crd, each.version, each.path, _number(each.declared_max_items),
                 accepted(each, rules), _number(each.runtime_max_items), str(each.requests), f"{each.seconds:.2f}",
                 variants(each, rules))  # fmt: skip
        found.add_row(*cells(words))
    parts: list[RenderableType] = [found, Text()]
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
    found = [(f"`{crd}`", _bundles(alike), *numbers) for (crd, *numbers), alike in rows.items()]
    parts = [
        f"Recorded with Kubernetes {server}.",
        table(PAGE_HEAD, found, plain=range(len(PAGE_HEAD))),
        "\n".join(f"- {mark} `{rule}`" for rule, mark in rules.items()),
    ]
    if timed := _timed(reports):
        parts.append(table(TIMES_HEAD, timed, plain=[0]))
    return "\n\n".join(parts) + "\n"


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


def _timed(reports: Sequence[CelReport]) -> list[tuple[str, ...]]:
    rows = [
        (f"`{report.crd}`", f"{each.items:,}", f"{each.median:.2f}", f"{each.p99:.2f}", str(each.samples))
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


def _number(number: int | None) -> str:
    return "-" if number is None else f"{number:,}"
