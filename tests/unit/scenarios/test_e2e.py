"""The main job as a run: evidence of a failure, clean-up in every case, and all of it in the result."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from task_gateway.errors import CommandFailed, ScenarioFailed
from task_gateway.model import RunResult
from task_gateway.scenarios import e2e
from task_gateway.scenarios.declared import Move, Scene
from task_gateway.scenarios.steps import Steps, Terminal
from task_gateway.scenarios.world import Given, World


class Bare(World):
    """A world that comes up without a cluster, or fails as it is told to, and notes the order."""

    def __init__(self, at_up: BaseException | None = None, at_close: Exception | None = None) -> None:
        super().__init__(Given("lab", Path("chart.tgz"), Path("crds.tgz"), "image"))
        self.order: list[str] = []
        self.at_up, self.at_close = at_up, at_close

    def up(self, steps: Steps) -> None:
        with steps.step("first"):
            self.order.append("up")
            if self.at_up is not None:
                raise self.at_up

    def close(self, steps: Steps) -> None:
        with steps.step("last"):
            self.order.append("close")
            if self.at_close is not None:
                raise self.at_close


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> "Watch":
    monkeypatch.setattr("task_gateway.master.browser.find", lambda: Path("chromium"))
    return Watch(monkeypatch, tmp_path)


class Watch:
    """Plays one move for each resource manager in a world, into a folder."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.folder = folder
        self._monkeypatch = monkeypatch

    def __call__(self, world: Bare, error: BaseException | None = None) -> tuple[RunResult, Exception | None]:
        def do(scene: Scene) -> str:
            world.order.append("move")
            scene.later.callback(lambda: world.order.append(f"undo, {(self.folder / 'evidence').exists()}"))
            if error is not None:
                raise error
            return "seen"

        self._monkeypatch.setattr(e2e, "moves", lambda manager: (Move(manager, do),))
        return e2e.play(world, self.folder, Terminal(Console(file=io.StringIO())))


def test_a_run_that_passes_has_its_steps_and_no_evidence_of_an_earlier_one(watch: Watch) -> None:
    stale = watch.folder / "evidence" / "old.txt"
    stale.parent.mkdir()
    stale.touch()
    world = Bare()
    result, failed = watch(world)
    assert failed is None
    assert world.order == ["up", "move", "move", "undo, False", "undo, False", "close"]
    assert (result.name, result.passed, result.evidence, result.notebooks) == ("lab", True, (), ())
    assert [(step.name, step.detail) for step in result.steps][1:3] == [("additional", "seen"), ("default", "seen")]
    assert not stale.exists()


def test_a_failure_is_collected_before_anything_is_undone(watch: Watch) -> None:
    error, world = ScenarioFailed("it answered"), Bare()
    result, failed = watch(world, error)
    assert failed is error
    assert world.order == ["up", "move", "undo, True", "close"]
    assert not result.passed
    assert result.evidence == ("evidence/error.txt",)
    assert [step.passed for step in result.steps] == [True, False, True]


def test_a_world_that_does_not_come_up_is_closed_and_told(watch: Watch) -> None:
    error = CommandFailed("kind ended with exit code 1", code=1)
    world = Bare(at_up=error)
    result, failed = watch(world)
    assert failed is error
    assert world.order == ["up", "close"]
    assert [step.passed for step in result.steps] == [False, True]


def test_ctrl_c_cleans_up_and_goes_on(watch: Watch) -> None:
    coming, working = Bare(at_up=KeyboardInterrupt()), Bare()
    with pytest.raises(KeyboardInterrupt):
        watch(coming)
    assert coming.order == ["up", "close"]
    with pytest.raises(KeyboardInterrupt):
        watch(working, KeyboardInterrupt())
    assert working.order == ["up", "move", "undo, False", "close"]


def test_a_clean_up_that_fails_fails_the_run_but_hides_no_earlier_error(watch: Watch) -> None:
    late, early = CommandFailed("kind ended with exit code 1", code=1), ScenarioFailed("it answered")
    result, failed = watch(Bare(at_close=late))
    assert failed is late
    assert not result.passed
    _, failed = watch(Bare(at_close=late), early)
    assert failed is early
    _, failed = watch(Bare(at_up=early, at_close=late))
    assert failed is early
