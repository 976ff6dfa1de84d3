"""A preflight for a terminal, and as JUnit XML."""

from xml.etree import ElementTree

from rich.console import Group, RenderableType
from rich.text import Text

from task_gateway.model import Check, CheckReport
from task_gateway.printable import printable
from task_gateway.report.as_junit import clean

MARKS = {"ok": ("√", "green"), "warning": ("‼", "yellow"), "error": ("×", "bold red"), "skipped": ("-", "dim")}


def terminal(report: CheckReport) -> RenderableType:
    """Return each category under a heading, each check with its mark, and what is wrong under it."""
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
    """Return a test suite for each category: an error fails, what was skipped is skipped, a warning is printed."""
    root = ElementTree.Element("testsuites", {"name": "task-gateway check"})
    for category in report.categories:
        counts = {
            "tests": str(len(category.checks)),
            "failures": str(sum(each.result == "error" for each in category.checks)),
            "skipped": str(sum(each.result == "skipped" for each in category.checks)),
            "errors": "0",
        }
        suite = ElementTree.SubElement(root, "testsuite", {"name": category.name, **counts})
        for check in category.checks:
            name = clean(f"{check.code} {check.description}")
            case = ElementTree.SubElement(suite, "testcase", {"classname": category.name, "name": name})
            if check.result == "error":
                ElementTree.SubElement(case, "failure", message=clean(check.message)).text = clean(f"try: {check.fix}")
            elif check.result == "skipped":
                ElementTree.SubElement(case, "skipped", message=clean(check.message))
            elif check.message:
                ElementTree.SubElement(case, "system-out").text = clean(f"{check.result}: {check.message}")
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


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
