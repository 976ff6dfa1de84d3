"""A bug bash as JSON, JUnit, Markdown and HTML: every row is included, and texts are never parsed as markup."""

import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from task_gateway.model import StepResult
from task_gateway_lab.model_bugbash import BugBash, NotebookRun, ScenarioResult, Status
from task_gateway_lab.report import bugbash as report
from task_gateway_lab.report.bugbash.by_hand import by_hand

NASTY = "<script>alert(1)</script> | `x` & \x1b[31m"
STEPS = (StepResult("opened", True, 1.25, "it answers"), StepResult("used", False, 0.5, NASTY))
PASSED = ScenarioResult("one", "Notebooks", Status.PASSED, 12.3, "One works.", STEPS[:1], screenshot="one/page.png")
FAILED = ScenarioResult(
    "two", "Notebooks", Status.FAILED, 3.0, "Two works.", STEPS, cause=NASTY,
    repeat=("# look", "kubectl get pods | cat"), evidence=("two/error.txt",),
)  # fmt: skip
SKIPPED = ScenarioResult("three", "Limits", Status.SKIPPED, 0.0, "Three works.", cause="there is no IPv6")
PERSON = ScenarioResult("four", "Manual", Status.PERSON, 0.0, "Four looks right.", repeat=("# open it",))
ALL = BugBash("bash", 20.0, {"kubernetes": "v1"}, (PASSED, FAILED, SKIPPED, PERSON))
NOTEBOOK = NotebookRun(
    "east", "tg-east", "2001:db8::1", 30000, "slots", "print(6 * 7)", "42\n", "one/the east.png", True
)  # fmt: skip
UP, DOWN = StepResult("clusters are up", True, 40.0, "2 clusters"), StepResult("clusters removed", True, 2.0)
ONE = BugBash("e2e_run", 65.4, {"kubernetes": "v1"}, (replace(PASSED, notebooks=(NOTEBOOK,)),), "pull", (UP,), (DOWN,))
BROKEN = replace(ONE, rows=(), before=(replace(UP, passed=False, detail="no disk\nat all"),), cause="no disk\nat all")


def drawn(result: BugBash) -> str:
    console = Console(width=160)
    with console.capture() as shown:
        console.print(report.terminal(result))
    return shown.get()


@pytest.mark.parametrize(
    ("rows", "passed"),
    [((), False), ((PASSED,), True), ((PASSED, SKIPPED, PERSON), True), ((PERSON, SKIPPED), False), ((FAILED,), False)],
)
def test_only_what_was_tried_counts(rows: tuple[ScenarioResult, ...], passed: bool) -> None:
    assert BugBash("bash", 1.0, {}, rows).passed is passed


def test_json_has_the_fields_of_the_contract_and_is_read_again() -> None:
    text = report.result_json(ALL)
    found = json.loads(text)
    assert set(found) == {
        "name", "passed", "seconds", "images", "versions", "cause", "steps", "notebooks", "evidence", "rows",
    }  # fmt: skip
    wanted = {"name", "group", "status", "seconds", "sentence", "steps", "cause", "screenshot", "repeat", "evidence"}
    assert all(set(row) == wanted | {"notebooks"} for row in found["rows"])
    assert [row["status"] for row in found["rows"]] == ["passed", "failed", "skipped", "person"]
    assert report.read(text) == [*ALL.rows]


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


def test_one_scenario_is_told_step_by_step_in_every_form() -> None:
    found = json.loads(report.result_json(ONE))
    assert [step["name"] for step in found["steps"]] == ["clusters are up", "opened", "clusters removed"]
    assert found["notebooks"] == [
        {
            "resource_manager": "east",
            "cluster": "tg-east",
            "address": "2001:db8::1",
            "port": 30000,
            "strategy": "slots",
            "cell": "print(6 * 7)",
            "output": "42\n",
            "screenshot": "one/the east.png",
            "refused_after_release": True,
        }
    ]
    suite = ElementTree.fromstring(report.junit(ONE))[0]
    assert [case.get("name") for case in suite.iter("testcase")] == [step["name"] for step in found["steps"]]
    assert [(each.get("name"), each.get("value")) for each in suite.iter("property")] == [("kubernetes", "v1")]
    page = report.markdown(ONE)
    assert "# e2e\\_run\n\n**Passed** in 65 s: 1 passed.\n\nImages: pull.\n" in page
    assert "| clusters are up | passed | 40.0 | 2 clusters |" in page
    assert "```python\nprint(6 * 7)\n```" in page
    assert "![The notebook of east](one/the%20east.png)" in page
    text = drawn(ONE)
    assert "[2001:db8::1]:30000" in text
    assert text.rstrip().endswith("passed in 65.4 s")


def test_a_run_that_fails_before_any_scenario_says_why_in_every_form() -> None:
    found = json.loads(report.result_json(BROKEN))
    assert (found["passed"], found["cause"], len(found["steps"])) == (False, "no disk\nat all", 2)
    failure = ElementTree.fromstring(report.junit(BROKEN)).find("testsuite/testcase/failure")
    assert failure is not None
    assert (failure.get("message"), failure.text) == ("no disk", "no disk\nat all")
    assert "| clusters are up | **failed** | 40.0 | no disk<br>at all |" in report.markdown(BROKEN)
    assert drawn(BROKEN).rstrip().endswith("failed in 65.4 s")


@pytest.mark.parametrize("result", [replace(BROKEN, before=()), replace(ALL, cause="no disk")])
def test_junit_of_a_run_that_failed_between_its_steps_is_red(result: BugBash) -> None:
    assert "run" in [each.get("name") for each in ElementTree.fromstring(report.junit(result)).iter("testcase")]


def test_by_hand_the_kubeconfig_is_exported_where_it_changes() -> None:
    lines = (
        "# look", "kubectl --kubeconfig a.yaml get pods", "task-gateway ls --kubeconfig a.yaml", "helm list",
        "kubectl --kubeconfig b.yaml --context east get pods", "task-gateway ls --config m.yaml --kubeconfig c.yaml",
        "kubectl drain node \\", "  --kubeconfig a.yaml", "kubectl --kubeconfig a.yaml get nodes",
    )  # fmt: skip
    assert by_hand(lines) == [
        "# look", "export KUBECONFIG=a.yaml", "kubectl get pods", "task-gateway ls", "helm list",
        "export KUBECONFIG=b.yaml", "kubectl --context east get pods",
        "task-gateway ls --config m.yaml --kubeconfig c.yaml",
        "kubectl drain node \\", "  --kubeconfig a.yaml", "export KUBECONFIG=a.yaml", "kubectl get nodes",
    ]  # fmt: skip


def test_several_scenarios_have_a_row_each_on_a_terminal() -> None:
    assert [line.split()[0] for line in drawn(ALL).splitlines() if line.strip()][:3] == ["NAME", "one", "two"]


@given(st.text())
def test_junit_parses_whatever_the_texts_are(text: str) -> None:
    run = replace(ONE, name=text, versions={text: text}, before=(StepResult(text, False, 0.0, text),))
    case = ElementTree.fromstring(report.junit(run)).find("testsuite/testcase")
    assert case is not None
    assert len(case.get("name") or "") == len(text)


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
    assert f"| step | passed | 1.0 | {cell} |\n" in report.markdown(
        replace(ONE, before=(StepResult("step", True, 1.0, text),))
    )


def test_markdown_fences_code_that_has_fences() -> None:
    odd = replace(NOTEBOOK, output="````\n# not a title\n")
    page = report.markdown(replace(ONE, rows=(replace(PASSED, notebooks=(odd,)),)))
    assert "`````text\n````\n# not a title\n`````\n" in page


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
