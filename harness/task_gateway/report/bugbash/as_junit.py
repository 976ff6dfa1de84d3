"""A bug bash as JUnit XML: a suite for each group, a case for each row; what a person is to look at is skipped."""

from xml.etree import ElementTree

from task_gateway.model_bugbash import BugBash, Row, Status
from task_gateway.report.as_junit import clean


def junit(result: BugBash) -> str:
    """Return the run as a `testsuites` document."""
    root = ElementTree.Element("testsuites", _counts(result.rows) | {"name": clean(result.name)})
    for group, rows in result.groups.items():
        suite = ElementTree.SubElement(root, "testsuite", {"name": clean(group), **_counts(rows)})
        for row in rows:
            _case(suite, row)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _counts(rows: list[Row] | tuple[Row, ...]) -> dict[str, str]:
    return {
        "tests": str(len(rows)),
        "failures": str(sum(row.status == Status.FAILED for row in rows)),
        "errors": "0",
        "skipped": str(sum(row.status in (Status.SKIPPED, Status.PERSON) for row in rows)),
        "time": f"{sum(row.seconds for row in rows):.3f}",
    }


def _case(suite: ElementTree.Element, row: Row) -> None:
    where = {"classname": clean(row.group), "name": clean(row.name), "time": f"{row.seconds:.3f}"}
    case = ElementTree.SubElement(suite, "testcase", where)
    if row.status == Status.FAILED:
        message = clean(row.cause.partition("\n")[0])
        ElementTree.SubElement(case, "failure", message=message).text = clean(row.cause)
    elif row.status == Status.SKIPPED:
        ElementTree.SubElement(case, "skipped", message=clean(row.cause))
    elif row.status == Status.PERSON:
        ElementTree.SubElement(case, "skipped", message="for a person to look at")
    seen = "\n".join(f"{step.name}: {step.detail}" for step in row.steps)
    if seen:
        ElementTree.SubElement(case, "system-out").text = clean(seen)
