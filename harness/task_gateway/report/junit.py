"""Writes JUnit XML, which continuous integration systems show: suites of cases from any source."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from xml.etree import ElementTree

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Case:
    """One case. It passed unless `failure` (the cause, summarized in its first line) or `skipped` has a reason."""

    name: str
    seconds: float = 0.0
    failure: str = ""
    skipped: str = ""
    output: str = ""


@dataclass(frozen=True)
class Suite:
    """Cases with a heading; `properties` are the versions of all components."""

    name: str
    cases: tuple[Case, ...]
    properties: Mapping[str, str] = field(default_factory=dict)


def document(name: str, suites: Iterable[Suite]) -> str:
    """Return a `testsuites` document. Characters that XML 1.0 does not allow, such as escape codes, are replaced."""
    found = list(suites)
    every = [case for suite in found for case in suite.cases]
    root = ElementTree.Element("testsuites", {"name": _clean(name), **_counts(every)})
    for suite in found:
        element = ElementTree.SubElement(root, "testsuite", {"name": _clean(suite.name), **_counts(suite.cases)})
        if suite.properties:
            properties = ElementTree.SubElement(element, "properties")
            for key, value in sorted(suite.properties.items()):
                ElementTree.SubElement(properties, "property", name=_clean(key), value=_clean(value))
        for case in suite.cases:
            _add(element, suite.name, case)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _counts(cases: Iterable[Case]) -> dict[str, str]:
    every = list(cases)
    return {
        "tests": str(len(every)),
        "failures": str(sum(bool(each.failure) for each in every)),
        "errors": "0",
        "skipped": str(sum(bool(each.skipped) for each in every)),
        "time": f"{sum(each.seconds for each in every):.3f}",
    }


def _add(suite: ElementTree.Element, classname: str, case: Case) -> None:
    where = {"classname": _clean(classname), "name": _clean(case.name), "time": f"{case.seconds:.3f}"}
    element = ElementTree.SubElement(suite, "testcase", where)
    if case.failure:
        message = _clean(case.failure.partition("\n")[0])
        ElementTree.SubElement(element, "failure", message=message).text = _clean(case.failure)
    elif case.skipped:
        ElementTree.SubElement(element, "skipped", message=_clean(case.skipped))
    if case.output:
        ElementTree.SubElement(element, "system-out").text = _clean(case.output)


def _clean(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
