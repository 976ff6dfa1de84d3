"""What the CEL rules of CRDs allow, as a table for a terminal."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from rich.console import Group, RenderableType
from rich.text import Text

from task_gateway.model import CelReport
from task_gateway.report.cells import cells, number, table

NOT_MEASURED = (
    "Run time is only measured for listeners of Gateway API, and only with --control-plane, because it installs a CRD."
)


class Column(NamedTuple):
    """A column of the table, its field, and its meaning; the column is empty if only the JSON has the field."""

    head: str
    field: str
    meaning: str
    right: bool = False


COLUMNS = (
    Column("Bundle", "bundle", "release of Gateway API, from the annotations of the CRD"),
    Column("Channel", "channel", "channel of that release"),
    Column("CRD", "crd", "CRD"),
    Column("Version", "version", "API version of the CRD. Versions with equal schemas share one measurement"),
    Column("List", "path", "list that was measured"),
    Column("Declared", "declared_max_items", "`maxItems` in the CRD, null if it has none", right=True),
    Column("Accepted", "accepted_max_items", "largest `maxItems` that the API server accepts. It refuses one more"),
    Column(
        "Largest object",
        "runtime_max_items",
        "items of the largest object that is accepted. Requires `--control-plane`, otherwise null",
        right=True,
    ),
    Column("Requests", "requests", "requests to find the accepted number", right=True),
    Column("Seconds", "seconds", "time to find the accepted number", right=True),
    Column(
        "With rules left out",
        "variants",
        "accepted number without the rules in `left_out`; `at_least` if nothing refused it",
    ),
    Column(
        "",
        "binding_rule",
        "rule that refuses one more, marked `[1]` in the table; for a total, the costliest rules. "
        "Empty if no rule refused up to 1,000,000",
    ),
    Column(
        "",
        "points",
        "each request: `max_items`, `factor` over the budget, `rule`. Both empty: accepted. "
        "Only `rule`: more than 100 times over",
    ),
    Column(
        "",
        "writes",
        "with `--curves` and `--control-plane`: seconds per write by listeners, median and p99 of ten",
    ),
)
SHOWN = [each for each in COLUMNS if each.head]


def terminal(reports: Sequence[CelReport]) -> RenderableType:
    """Return a row for each version of each CRD; rules are numbered, and their texts follow."""
    rules = numbered(reports)
    found = table(*(each.head.upper() for each in SHOWN))
    for column, drawn in zip(SHOWN, found.columns, strict=True):
        drawn.justify = "right" if column.right else "left"
    for each in reports:
        words = (each.bundle, each.channel, each.crd, each.version, each.path, number(each.declared_max_items),
                 accepted(each, rules), number(each.runtime_max_items), str(each.requests), f"{each.seconds:.2f}",
                 variants(each, rules))  # fmt: skip
        found.add_row(*cells(words))
    parts: list[RenderableType] = [found, Text()]
    notes = [f"{mark} {rule}" for rule, mark in rules.items()] + [*filter(None, dict.fromkeys(map(_writes, reports)))]
    if any(each.runtime_max_items is None for each in reports):
        notes.append(NOT_MEASURED)
    return Group(*parts, *map(Text, notes))


def numbered(reports: Sequence[CelReport]) -> dict[str, str]:
    """Return the texts of all rules in the table, each with its mark, such as `[1]`."""
    binding = [each.binding_rule for each in reports if each.binding_rule]
    left_out = [rule for each in reports for variant in each.variants for rule in variant.left_out]
    return {rule: f"[{number}]" for number, rule in enumerate(dict.fromkeys((*binding, *left_out)), 1)}


def accepted(report: CelReport, rules: Mapping[str, str]) -> str:
    """Return the accepted number with the mark of the binding rule."""
    most = number(report.accepted_max_items)
    return f"{most} {rules[report.binding_rule]}" if report.binding_rule else f"{most} or more"


def variants(report: CelReport, rules: Mapping[str, str]) -> str:
    """Return the accepted numbers without certain rules."""
    return ", ".join(
        f"{''.join(rules[rule] for rule in each.left_out)}: {number(each.accepted_max_items)}"
        + (" or more" if each.at_least else "")
        for each in report.variants
    )


def _writes(report: CelReport) -> str:
    if not report.writes:
        return ""
    times = ", ".join(f"{each.items:,}: {each.median:.2f} ({each.p99:.2f})" for each in report.writes)
    return f"{report.crd}, seconds of a write by listeners, median and p99 of {report.writes[0].samples}: {times}"
