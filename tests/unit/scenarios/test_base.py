"""Playing a scenario: evidence of a failure, clean-up in every case, and all of it in the result."""

import io
from collections.abc import Sequence
from pathlib import Path

import pytest
from rich.console import Console

from task_gateway.errors import CommandFailed, ScenarioFailed
from task_gateway.model import NotebookRun, RunResult
from task_gateway.scenarios.base import SCENARIOS, Options, Scenario, play
from task_gateway.scenarios.steps import Steps, Terminal


class Actors:
    """A play that does what it is told, and notes the order."""

    def __init__(self, error: BaseException | None = None, at_close: Exception | None = None) -> None:
        self.versions = {"part": "1"}
        self.notebooks: list[NotebookRun] = []
        self.order: list[str] = []
        self.error, self.at_close = error, at_close

    def run(self, steps: Steps) -> None:
        with steps.step("first"):
            self.order.append("run")
            if self.error is not None:
                raise self.error

    def collect(self, folder: Path, error: Exception) -> Sequence[Path]:
        self.order.append("collect")
        folder.mkdir(parents=True)
        (folder / "error.txt").write_text(str(error))
        return [folder / "error.txt"]

    def close(self, steps: Steps) -> None:
        with steps.step("last"):
            self.order.append("close")
            if self.at_close is not None:
                raise self.at_close


def watch(actors: Actors, folder: Path) -> tuple[RunResult, Exception | None]:
    options = Options("lab", folder, Path("chart.tgz"), Path("crds.tgz"), "image")
    return play(Scenario("s", "It works.", (), lambda _: actors), options, Terminal(Console(file=io.StringIO())))


def test_a_run_that_passes(tmp_path: Path) -> None:
    stale = tmp_path / "evidence" / "old.txt"
    stale.parent.mkdir()
    stale.touch()
    actors = Actors()
    result, failed = watch(actors, tmp_path)
    assert failed is None
    assert actors.order == ["run", "close"]
    assert (result.name, result.passed, result.evidence, dict(result.versions)) == ("lab", True, (), {"part": "1"})
    assert [step.name for step in result.steps] == ["first", "last"]
    assert not stale.exists()


def test_a_failure_is_collected_before_the_clean_up(tmp_path: Path) -> None:
    error = ScenarioFailed("it answered")
    actors = Actors(error)
    result, failed = watch(actors, tmp_path)
    assert failed is error
    assert actors.order == ["run", "collect", "close"]
    assert not result.passed
    assert result.evidence == ("evidence/error.txt",)
    assert [step.passed for step in result.steps] == [False, True]


def test_ctrl_c_cleans_up_and_goes_on(tmp_path: Path) -> None:
    actors = Actors(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        watch(actors, tmp_path)
    assert actors.order == ["run", "close"]


def test_a_clean_up_that_fails_fails_the_run_but_hides_no_earlier_error(tmp_path: Path) -> None:
    late = CommandFailed("kind ended with exit code 1", code=1)
    result, failed = watch(Actors(at_close=late), tmp_path)
    assert failed is late
    assert not result.passed
    early = ScenarioFailed("it answered")
    _, failed = watch(Actors(early, late), tmp_path / "other")
    assert failed is early


def test_scenarios_are_found_by_name() -> None:
    assert SCENARIOS.get("notebook_multi_rm").sentence.startswith("A master opens a notebook")
