"""A preflight for a terminal, and as JUnit XML."""

from rich.console import Group, RenderableType
from rich.text import Text

from task_gateway.model import Check, CheckReport
from task_gateway.printable import printable
from task_gateway.report.junit import Case, Suite, document

MARKS = {"ok": ("√", "green"), "warning": ("‼", "yellow"), "error": ("×", "bold red"), "skipped": ("-", "dim")}


def terminal(report: CheckReport) -> RenderableType:
    """Return each category under a heading, each check with its mark, and the problem below it."""
    parts: list[Text] = []
    for category in report.categories:
        parts += [Text(category.name, style="bold"), Text("-" * len(category.name))]
        for check in category.checks:
            parts += _lines(check)
        parts.append(Text())
    verdict, style = MARKS["ok" if report.success else "error"]
    parts.append(Text.assemble("Status check results are ", (verdict, style)))
    return Group(*parts)


def junit(report: CheckReport) -> str:
    """Return a test suite for each category: an error is a failure, and a warning becomes output."""
    return document(
        "task-gateway check", (Suite(each.name, tuple(map(_case, each.checks))) for each in report.categories)
    )


def _case(check: Check) -> Case:
    return Case(
        f"{check.code} {check.description}",
        failure=f"{check.message}\ntry: {check.fix}" if check.result == "error" else "",
        skipped=check.message if check.result == "skipped" else "",
        output=f"{check.result}: {check.message}" if check.result in ("ok", "warning") and check.message else "",
    )


def _lines(check: Check) -> list[Text]:
    mark, style = MARKS[check.result]
    lines = [Text.assemble((mark, style), f" {check.description}")]
    if check.result == "skipped":
        sentence = printable(f"{check.description}: skipped {check.message}")
        return [Text.assemble((mark, style), f" {sentence}")]
    if check.result != "ok":
        said = [check.message, *([f"try: {check.fix}"] if check.fix else []), f"see {check.docs}"]
        lines += [Text(f"    {printable(sentence)}") for sentence in said]
    return lines
