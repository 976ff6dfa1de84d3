"""A run as JUnit XML, which continuous integration systems show: a test case for each step."""

import re
from xml.etree import ElementTree

from task_gateway.model import RunResult

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(result: RunResult) -> str:
    """Return the run as a `testsuites` document; a run that failed outside its steps gets a case for it."""
    cases = [(step.name, step.passed, step.seconds, step.detail) for step in result.steps]
    if not result.passed and all(step.passed for step in result.steps):
        cases.append(("run", False, 0.0, "the run ended before its steps did"))
    counts = {
        "tests": str(len(cases)),
        "failures": str(sum(not passed for _, passed, _, _ in cases)),
        "errors": "0",
        "time": f"{result.seconds:.3f}",
    }
    root = ElementTree.Element("testsuites", counts)
    suite = ElementTree.SubElement(root, "testsuite", {"name": clean(result.name), **counts})
    if result.versions:
        properties = ElementTree.SubElement(suite, "properties")
        for name, version in sorted(result.versions.items()):
            ElementTree.SubElement(properties, "property", name=clean(name), value=clean(version))
    for name, passed, seconds, detail in cases:
        where = {"classname": clean(result.name), "name": clean(name), "time": f"{seconds:.3f}"}
        case = ElementTree.SubElement(suite, "testcase", where)
        if not passed:
            message = clean(detail.partition("\n")[0])
            ElementTree.SubElement(case, "failure", message=message).text = clean(detail)
        elif detail:
            ElementTree.SubElement(case, "system-out").text = clean(detail)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def clean(text: str) -> str:
    """Replace the characters that XML 1.0 cannot hold, terminal colours among them."""
    return _NOT_XML.sub("\ufffd", text)
