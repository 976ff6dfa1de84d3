"""Running declared scenarios: each has its clean-up, its evidence and its row in every case."""

import io
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from task_gateway.errors import ScenarioFailed
from task_gateway_lab.model_bugbash import ScenarioResult, Status
from task_gateway_lab.scenarios.base import Scenario, ScenarioCase, Step
from task_gateway_lab.scenarios.runner import run_all, run_scenario
from task_gateway_lab.scenarios.steps import Reporter, TerminalReporter

Do = Callable[[ScenarioCase], str]


class FakeEnvironment:
    """An environment without clusters."""

    facts = {"place": "here"}  # noqa: RUF012
    kubes: dict[str, Any] = {}  # noqa: RUF012
    namespaces = ()

    def missing_requirement(self, needs: Sequence[str], tags: Sequence[str] = ()) -> str:
        return "there is no moon" if "moon" in needs else ""


def reporter(_: object = None) -> Reporter:
    return TerminalReporter(Console(file=io.StringIO()))


def scenario(name: str, *steps: Do, **options: Any) -> Scenario:
    made = tuple(Step(f"step {number}", do, "ls $place/$thing") for number, do in enumerate(steps))
    return Scenario(name, "Group", f"{name} works.", steps=made, **options)


def seen(text: str) -> Do:
    return lambda case: text


def fails(case: ScenarioCase) -> str:
    raise ScenarioFailed("it is broken", where="Pod a/b")


def run_in(found: Scenario, folder: Path) -> ScenarioResult:
    return run_scenario(found, FakeEnvironment(), folder, reporter())  # type: ignore[arg-type]


def test_what_moves_see_and_know_is_in_the_row(tmp_path: Path) -> None:
    def knows(case: ScenarioCase) -> str:
        case.facts["thing"] = "it"
        case.picture("page").parent.mkdir(parents=True)
        case.picture("page").write_bytes(b"png")
        return "two"

    row = run_in(scenario("one", seen("one"), knows), tmp_path)
    assert (row.status, row.cause) == (Status.PASSED, "")
    assert [(step.name, step.detail) for step in row.steps] == [("step 0", "one"), ("step 1", "two")]
    assert row.repeat == ("# step 0", "ls here/it", "# step 1", "ls here/it")
    assert row.screenshot == "one/page.png"


def test_a_failure_ends_it_with_evidence_and_cleans_up_after_that(tmp_path: Path) -> None:
    order = []

    def begins(case: ScenarioCase) -> str:
        case.cleanup.callback(lambda: order.append((tmp_path / "one" / "error.txt").exists()))
        return ""

    row = run_in(scenario("one", begins, fails, seen("never")), tmp_path)
    assert (row.status, row.cause) == (Status.FAILED, "it is broken (Pod a/b)")
    assert [step.passed for step in row.steps] == [True, False]
    assert row.evidence == ("one/error.txt",)
    assert order == [True], "evidence first, then the clean-up"


def test_a_clean_up_that_fails_fails_the_row(tmp_path: Path) -> None:
    def begins(case: ScenarioCase) -> str:
        case.cleanup.callback(fails, case)
        return ""

    row = run_in(scenario("one", begins), tmp_path)
    assert (row.status, row.cause) == (Status.FAILED, "the clean-up failed: it is broken (Pod a/b)")


def test_what_is_not_there_skips_and_a_person_is_never_counted(tmp_path: Path) -> None:
    row = run_in(scenario("one", fails, needs=("moon",)), tmp_path)
    assert (row.status, row.cause) == (Status.SKIPPED, "there is no moon")
    row = run_in(scenario("two", instructions="open it\nlook"), tmp_path)
    assert (row.status, row.repeat) == (Status.PERSON, ("open it", "look"))


@pytest.mark.parametrize("parallel", [1, 3])
def test_those_that_disturb_others_are_played_alone(tmp_path: Path, parallel: int) -> None:
    going, most, lock = [0], [0], threading.Lock()
    together = threading.Barrier(parallel)

    def counted(alone: bool) -> Do:
        def do(case: ScenarioCase) -> str:
            with lock:
                going[0] += 1
                most[0] = max(most[0], going[0])
                assert not alone or going[0] == 1
            if not alone:
                together.wait(10)
            with lock:
                going[0] -= 1
            return ""

        return do

    found = [scenario("alone", counted(True), alone=True)]
    found += [scenario(f"beside-{number}", counted(False)) for number in range(3)]
    rows = list(run_all(found, FakeEnvironment(), tmp_path, reporter, parallel=parallel))  # type: ignore[arg-type]
    assert {row.status for row in rows} == {Status.PASSED}
    assert rows[-1].name == "alone"
    assert most == [parallel]


def test_a_resumed_run_plays_what_did_not_pass(tmp_path: Path) -> None:
    before = {
        "good": ScenarioResult("good", "Group", Status.PASSED, 1.0, "good works."),
        "bad": ScenarioResult("bad", "Group", Status.FAILED, 1.0, "bad works.", cause="once"),
    }
    found = [scenario("good", fails), scenario("bad", seen("mended"))]
    rows = {
        row.name: row
        for row in run_all(found, FakeEnvironment(), tmp_path, reporter, done=before)  # type: ignore[arg-type]
    }
    assert rows["good"] is before["good"]
    assert (rows["bad"].status, rows["bad"].cause) == (Status.PASSED, "")
