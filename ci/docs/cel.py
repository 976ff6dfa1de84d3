"""Renders the limits of the CEL rules in every release, and the columns of `crds cel`, for docs/raising.md."""

from collections.abc import Mapping, Sequence

from task_gateway.model import CelReport
from task_gateway.report.cel_text import COLUMNS, accepted, numbered, variants
from task_gateway.report.cells import number
from task_gateway_lab.report.markdown_text import table

PAGE_HEAD = ("CRD", "Bundles", "Declared", "Accepted", "Requests", "Largest object", "Accepted without rules")
COLUMNS_HEAD = ("Column", "JSON", "Meaning")
TIMES_HEAD = ("CRD", "Listeners", "Write time, median (s)", "Write time, p99 (s)", "Writes")


def markdown(reports: Sequence[CelReport], server: str) -> str:
    """Return the results as a part of a page: CRDs with equal results share a row, and each rule is quoted once."""
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


def columns() -> str:
    """Return the columns of the table and the fields of the record."""
    return table(COLUMNS_HEAD, [(each.head, f"`{each.field}`", each.meaning) for each in COLUMNS], plain=[1, 2])


def _result(report: CelReport, rules: Mapping[str, str]) -> tuple[str, ...]:
    numbers = (number(report.declared_max_items), accepted(report, rules), str(report.requests))
    return (report.crd, *numbers, number(report.runtime_max_items), variants(report, rules))


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
