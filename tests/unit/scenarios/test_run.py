"""A whole run: evidence of a failure, clean-up in every case, and a complete result."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from task_gateway.errors import ClusterExists, CommandFailed, ScenarioFailed
from task_gateway_lab.model_bugbash import BugBash, ScenarioResult
from task_gateway_lab.scenarios.base import Scenario, ScenarioCase, Step
from task_gateway_lab.scenarios.environment import Environment, EnvironmentSpec
from task_gateway_lab.scenarios.run import run
from task_gateway_lab.scenarios.steps import StepRecorder, TerminalReporter


class BareEnvironment(Environment):
    """An environment without clusters that comes up, or fails on request, and records the order of calls."""

    def __init__(self, at_up: BaseException | None = None, at_close: Exception | None = None) -> None:
        super().__init__(EnvironmentSpec("lab", Path("chart.tgz"), Path("crds.tgz"), "image"))
        self.order: list[str] = []
        self.at_up, self.at_close = at_up, at_close

    def up(self, steps: StepRecorder) -> None:
        with steps.step("first"):
            self.order.append("up")
            if self.at_up is not None:
                raise self.at_up

    def close(self, steps: StepRecorder) -> None:
        with steps.step("last"):
            self.order.append("close")
            if self.at_close is not None:
                raise self.at_close


@pytest.fixture
def run_one(tmp_path: Path) -> "ScenarioRun":
    return ScenarioRun(tmp_path)


class ScenarioRun:
    """Runs a scenario of two steps in an environment, into a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.reports: list[BugBash] = []

    def __call__(
        self,
        environment: BareEnvironment,
        error: BaseException | None = None,
        done: dict[str, ScenarioResult] | None = None,
    ) -> tuple[BugBash, Exception | None]:
        def do(case: ScenarioCase) -> str:
            environment.order.append("step")
            case.cleanup.callback(
                lambda: environment.order.append(f"undo, {(self.folder / 'one' / 'error.txt').exists()}")
            )
            if error is not None:
                raise error
            return "seen"

        terminal = TerminalReporter(Console(file=io.StringIO()))
        scenario = Scenario("one", "Group", "One works.", steps=(Step("a", do), Step("b", do)))
        reporters = terminal, lambda _: terminal
        return run(
            [scenario], environment, self.folder, reporters, lambda _, so_far: self.reports.append(so_far), done=done
        )


def test_a_run_that_passes_has_its_steps_and_no_evidence_of_an_earlier_one(run_one: ScenarioRun) -> None:
    stale = [run_one.folder / "evidence" / "old.txt", run_one.folder / "one" / "error.txt"]
    for file in stale:
        file.parent.mkdir()
        file.touch()
    environment = BareEnvironment()
    result, failed = run_one(environment)
    assert failed is None
    assert environment.order == ["up", "step", "step", "undo, False", "undo, False", "close"]
    assert (result.name, result.passed, result.files, result.notebooks, result.cause) == ("lab", True, (), (), "")
    assert [(step.name, step.detail) for step in result.steps] == [
        ("first", ""), ("a", "seen"), ("b", "seen"), ("last", ""),
    ]  # fmt: skip
    assert not any(file.exists() for file in stale)
    assert [each.steps for each in run_one.reports] == [result.steps[:-1]]


def test_a_failure_is_collected_before_anything_is_undone(run_one: ScenarioRun) -> None:
    error, environment = ScenarioFailed("it answered"), BareEnvironment()
    result, failed = run_one(environment, error)
    assert failed is None
    assert environment.order == ["up", "step", "undo, True", "close"]
    assert not result.passed
    assert result.rows[0].error is error
    assert result.files == ("one/error.txt",)
    assert [step.passed for step in result.steps] == [True, False, True]


def test_a_world_that_does_not_come_up_is_closed_and_told(run_one: ScenarioRun) -> None:
    error = CommandFailed("kind ended with exit code 1", code=1)
    environment = BareEnvironment(at_up=error)
    result, failed = run_one(environment)
    assert failed is error
    assert environment.order == ["up", "close"]
    assert (result.passed, result.cause, result.rows) == (False, "kind ended with exit code 1", ())
    assert [step.passed for step in result.steps] == [False, True]


def test_the_clusters_of_another_run_are_no_result(run_one: ScenarioRun) -> None:
    with pytest.raises(ClusterExists):
        run_one(BareEnvironment(at_up=ClusterExists("a cluster called lab-default is already up")))
    assert run_one.reports == []


def test_ctrl_c_cleans_up_and_goes_on(run_one: ScenarioRun) -> None:
    coming, working = BareEnvironment(at_up=KeyboardInterrupt()), BareEnvironment()
    with pytest.raises(KeyboardInterrupt):
        run_one(coming)
    assert coming.order == ["up", "close"]
    with pytest.raises(KeyboardInterrupt):
        run_one(working, KeyboardInterrupt())
    assert working.order == ["up", "step", "undo, False", "close"]


def test_a_clean_up_that_fails_fails_the_run_but_hides_no_earlier_error(run_one: ScenarioRun) -> None:
    late, early = CommandFailed("kind ended with exit code 1", code=1), ScenarioFailed("it answered")
    result, failed = run_one(BareEnvironment(at_close=late))
    assert failed is late
    assert not result.passed
    result, _ = run_one(BareEnvironment(at_close=late), early)
    assert result.rows[0].cause == "it answered"
    _, failed = run_one(BareEnvironment(at_up=early, at_close=late))
    assert failed is early


def test_a_run_with_nothing_left_to_play_brings_no_cluster_up(run_one: ScenarioRun) -> None:
    done, environment = run_one(BareEnvironment())[0].rows[0], BareEnvironment()
    result, _ = run_one(environment, done={"one": done})
    assert (environment.order, result.passed, result.rows) == ([], True, (done,))
