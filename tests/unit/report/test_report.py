"""The reports of a run: the fields that others read, and texts that try to break out of their place."""

import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from task_gateway.model import NotebookRun, RunResult, Step
from task_gateway.report.as_json import result_json
from task_gateway.report.as_junit import junit
from task_gateway.report.as_markdown import markdown
from task_gateway.report.as_table import terminal
from task_gateway.report.files import write

NOTEBOOK = NotebookRun(
    resource_manager="east",
    cluster="tg-east",
    address="203.0.113.10",
    port=30000,
    strategy="slots",
    cell="print(6 * 7)",
    output="42\n",
    screenshot="pictures/the east.png",
    refused_after_release=True,
)
GOOD = RunResult(
    name="notebook_multi_rm",
    passed=True,
    seconds=65.4321,
    versions={"kubernetes": "v1.36.3", "envoy gateway": "v1.9.1"},
    steps=(Step("clusters are up", True, 40.0004, "2 clusters"), Step("cell runs", True, 1.5)),
    notebooks=(NOTEBOOK,),
    evidence=("evidence/events (east).txt",),
)
BAD = replace(GOOD, passed=False, steps=(GOOD.steps[0], Step("cell runs", False, 60.0, "no answer\nlast state: 503")))


def test_json_has_the_fields_of_the_contract_and_no_others() -> None:
    read = json.loads(result_json(GOOD))
    assert set(read) == {"name", "passed", "seconds", "images", "versions", "steps", "notebooks", "evidence"}
    assert read["passed"] is True
    assert read["seconds"] == 65.432
    assert read["versions"] == {"envoy gateway": "v1.9.1", "kubernetes": "v1.36.3"}
    assert read["steps"][0] == {
        "name": "clusters are up",
        "passed": True,
        "seconds": 40.0,
        "detail": "2 clusters",
    }
    assert read["notebooks"] == [
        {
            "resource_manager": "east",
            "cluster": "tg-east",
            "address": "203.0.113.10",
            "port": 30000,
            "strategy": "slots",
            "cell": "print(6 * 7)",
            "output": "42\n",
            "screenshot": "pictures/the east.png",
            "refused_after_release": True,
        }
    ]
    assert read["evidence"] == ["evidence/events (east).txt"]


def test_junit_has_a_case_for_each_step() -> None:
    suite = ElementTree.fromstring(junit(BAD))[0]
    assert (suite.get("name"), suite.get("tests"), suite.get("failures")) == ("notebook_multi_rm", "2", "1")
    cases = suite.findall("testcase")
    assert [(case.get("name"), case.get("time")) for case in cases] == [
        ("clusters are up", "40.000"),
        ("cell runs", "60.000"),
    ]
    assert cases[0].find("failure") is None
    failure = cases[1].find("failure")
    assert failure is not None
    assert (failure.get("message"), failure.text) == ("no answer", "no answer\nlast state: 503")
    versions = {item.get("name"): item.get("value") for item in suite.findall("properties/property")}
    assert versions == dict(GOOD.versions)


def test_junit_of_a_run_that_failed_between_its_steps_is_red() -> None:
    suite = ElementTree.fromstring(junit(replace(GOOD, passed=False)))[0]
    assert suite.get("failures") == "1"
    assert suite.findall("testcase")[-1].find("failure") is not None


@given(st.text())
def test_junit_parses_whatever_the_texts_are(text: str) -> None:
    run = replace(GOOD, name=text, versions={text: text}, steps=(Step(text, False, 0.0, text),))
    case = ElementTree.fromstring(junit(run)).find("testsuite/testcase")
    assert case is not None
    assert len(case.get("name") or "") == len(text)


def test_markdown_shows_verdict_versions_steps_pictures_and_evidence() -> None:
    page = markdown(BAD)
    assert page.startswith("# notebook\\_multi\\_rm\n\n**Failed** in 65.4 s.\n")
    assert "| kubernetes | v1.36.3 |" in page
    assert "| clusters are up | passed | 40.0 | 2 clusters |" in page
    assert "| cell runs | **failed** | 60.0 | no answer<br>last state: 503 |" in page
    assert "| Address | 203.0.113.10, port 30000 |" in page
    assert "```python\nprint(6 * 7)\n```" in page
    assert "```text\n42\n```" in page
    assert "![The notebook of east](pictures/the%20east.png)" in page
    assert "- [evidence/events (east).txt](evidence/events%20%28east%29.txt)" in page
    assert markdown(GOOD).count("**Passed**") == 1


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("a | b", "a \\| b"),
        ("a\nb\r\nc", "a<br>b<br>c"),
        ("`rm` *x* _y_", "\\`rm\\` \\*x\\* \\_y\\_"),
        ("<b>&amp;</b>", "&lt;b&gt;&amp;amp;&lt;/b&gt;"),
        ("![x](y)", "\\!\\[x\\](y)"),
        ("back\\|slash", "back\\\\\\|slash"),
    ],
)
def test_markdown_keeps_a_text_in_its_cell(text: str, cell: str) -> None:
    page = markdown(replace(GOOD, steps=(Step("step", True, 1.0, text),)))
    assert f"| step | passed | 1.0 | {cell} |\n" in page


def test_markdown_fences_code_that_has_fences() -> None:
    page = markdown(replace(GOOD, notebooks=(replace(NOTEBOOK, output="````\n# not a title\n"),)))
    assert "`````text\n````\n# not a title\n`````\n" in page


def test_the_terminal_shows_steps_and_addresses_and_takes_texts_literally() -> None:
    console = Console(width=120, record=True, file=None, quiet=False)
    with console.capture() as shown:
        run = replace(BAD, notebooks=(replace(NOTEBOOK, address="2001:db8::1", output="[red]x[/red]"),))
        console.print(terminal(run))
    text = shown.get()
    assert "clusters are up" in text
    assert "60.0" in text
    assert "[2001:db8::1]:30000" in text
    assert "[red]x[/red]" in text
    assert text.rstrip().endswith("failed in 65.4 s")


def test_all_files_are_written_into_a_new_folder(tmp_path: Path) -> None:
    odd = replace(GOOD, steps=(Step("step", True, 1.0, "\ud800 caf\u00e9"),))
    paths = write(odd, tmp_path / "reports" / "e2e")
    assert [path.name for path in paths] == ["result.json", "junit.xml", "report.md"]
    assert json.loads(paths[0].read_text("utf-8"))["passed"] is True
    assert ElementTree.parse(paths[1]).getroot().tag == "testsuites"
    assert "caf\u00e9" in paths[2].read_text("utf-8")
