"""A bug bash as JSON, JUnit, Markdown and HTML: every row is there, and no text of a row is read as markup."""

import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from task_gateway.model import Step
from task_gateway.model_bugbash import BugBash, Row, Status
from task_gateway.report import bugbash as report

NASTY = "<script>alert(1)</script> | `x` & \x1b[31m"
STEPS = (Step("opened", True, 1.25, "it answers"), Step("used", False, 0.5, NASTY))
PASSED = Row("one", "Notebooks", Status.PASSED, 12.3, "One works.", STEPS[:1], screenshot="one/page.png")
FAILED = Row(
    "two", "Notebooks", Status.FAILED, 3.0, "Two works.", STEPS, cause=NASTY,
    repeat=("# look", "kubectl get pods | cat"), evidence=("two/error.txt",),
)  # fmt: skip
SKIPPED = Row("three", "Limits", Status.SKIPPED, 0.0, "Three works.", cause="there is no IPv6")
PERSON = Row("four", "For a person", Status.PERSON, 0.0, "Four looks right.", repeat=("# open it",))
ALL = BugBash("bash", 20.0, {"kubernetes": "v1"}, (PASSED, FAILED, SKIPPED, PERSON))


@pytest.mark.parametrize(
    ("rows", "passed"),
    [((), False), ((PASSED,), True), ((PASSED, SKIPPED, PERSON), True), ((PERSON, SKIPPED), False), ((FAILED,), False)],
)
def test_only_what_was_tried_counts(rows: tuple[Row, ...], passed: bool) -> None:
    assert BugBash("bash", 1.0, {}, rows).passed is passed


def test_json_has_the_fields_of_the_contract_and_is_read_again() -> None:
    text = report.result_json(ALL)
    found = json.loads(text)
    assert set(found) == {"name", "passed", "seconds", "versions", "rows"}
    wanted = {"name", "group", "status", "seconds", "sentence", "steps", "cause", "screenshot", "repeat", "evidence"}
    assert all(set(row) == wanted for row in found["rows"])
    assert [row["status"] for row in found["rows"]] == ["passed", "failed", "skipped", "person"]
    assert report.read(text) == ALL


def test_junit_has_a_case_for_each_row_and_passes_none_that_a_person_is_to_see() -> None:
    root = ElementTree.fromstring(report.junit(ALL))
    assert {name: root.get(name) for name in ("tests", "failures", "skipped")} == {
        "tests": "4", "failures": "1", "skipped": "2",
    }  # fmt: skip
    inside = {case.get("name"): [each.tag for each in case] for case in root.iter("testcase")}
    assert inside == {
        "one": ["system-out"],
        "two": ["failure", "system-out"],
        "three": ["skipped"],
        "four": ["skipped"],
    }


def test_markdown_ticks_what_passed_alone() -> None:
    text = report.markdown(ALL)
    lines = [line for line in text.splitlines() if line.startswith(("- [x]", "- [ ]"))]
    assert [line[:11] for line in lines] == ["- [x] `one`", "- [ ] `two`", "- [ ] `three"[:11], "- [ ] `four"]
    assert "<script>" not in text
    assert "kubectl get pods | cat" in text


def test_html_holds_its_pictures_and_reads_no_text_as_markup(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "page.png").write_bytes(b"\x89PNG")
    text = report.page(ALL, tmp_path)
    assert "data:image/png;base64,iVBORw==" in text
    assert "<script>alert" not in text
    assert all(f'id="row-{row.name}"' in text for row in ALL.rows)
    assert "http" not in text.replace("http-equiv", "")
    assert text.count("<details") == 4
    assert text.count(" open>") == 2


def test_a_picture_that_is_not_there_is_left_out(tmp_path: Path) -> None:
    assert "<img" not in report.page(ALL, tmp_path)


def test_files_are_written_whole(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "bugbash"
    files = report.write(ALL, folder)
    assert sorted(file.name for file in files) == ["junit.xml", "report.html", "report.md", "result.json"]
    assert sorted(folder.iterdir()) == sorted(files)
    report.write(replace(ALL, rows=(PASSED,)), folder)
    assert json.loads((folder / "result.json").read_text())["passed"] is True
