"""A whole run: evidence of a failure, clean-up in every case, and all of it in the result."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from task_gateway.errors import ClusterExists, CommandFailed, ScenarioFailed
from task_gateway_lab.model_bugbash import BugBash, Row
from task_gateway_lab.scenarios.declared import Move, Scenario, Scene
from task_gateway_lab.scenarios.run import run
from task_gateway_lab.scenarios.steps import Steps, Terminal
from task_gateway_lab.scenarios.world import Given, World


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
def play(tmp_path: Path) -> "Play":
    return Play(tmp_path)


class Play:
    """Plays a scenario of two moves in a world, into a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.reports: list[BugBash] = []

    def __call__(
        self, world: Bare, error: BaseException | None = None, done: dict[str, Row] | None = None
    ) -> tuple[BugBash, Exception | None]:
        def do(scene: Scene) -> str:
            world.order.append("move")
            scene.later.callback(lambda: world.order.append(f"undo, {(self.folder / 'one' / 'error.txt').exists()}"))
            if error is not None:
                raise error
            return "seen"

        terminal = Terminal(Console(file=io.StringIO()))
        scenario = Scenario("one", "Group", "One works.", moves=(Move("a", do), Move("b", do)))
        watchers = terminal, lambda _: terminal
        return run([scenario], world, self.folder, watchers, lambda _, so_far: self.reports.append(so_far), done=done)


def test_a_run_that_passes_has_its_steps_and_no_evidence_of_an_earlier_one(play: Play) -> None:
    stale = [play.folder / "evidence" / "old.txt", play.folder / "one" / "error.txt"]
    for file in stale:
        file.parent.mkdir()
        file.touch()
    world = Bare()
    result, failed = play(world)
    assert failed is None
    assert world.order == ["up", "move", "move", "undo, False", "undo, False", "close"]
    assert (result.name, result.passed, result.files, result.notebooks, result.cause) == ("lab", True, (), (), "")
    assert [(step.name, step.detail) for step in result.steps] == [
        ("first", ""), ("a", "seen"), ("b", "seen"), ("last", ""),
    ]  # fmt: skip
    assert not any(file.exists() for file in stale)
    assert [each.steps for each in play.reports] == [result.steps[:-1]]


def test_a_failure_is_collected_before_anything_is_undone(play: Play) -> None:
    error, world = ScenarioFailed("it answered"), Bare()
    result, failed = play(world, error)
    assert failed is None
    assert world.order == ["up", "move", "undo, True", "close"]
    assert not result.passed
    assert result.rows[0].error is error
    assert result.files == ("one/error.txt",)
    assert [step.passed for step in result.steps] == [True, False, True]


def test_a_world_that_does_not_come_up_is_closed_and_told(play: Play) -> None:
    error = CommandFailed("kind ended with exit code 1", code=1)
    world = Bare(at_up=error)
    result, failed = play(world)
    assert failed is error
    assert world.order == ["up", "close"]
    assert (result.passed, result.cause, result.rows) == (False, "kind ended with exit code 1", ())
    assert [step.passed for step in result.steps] == [False, True]


def test_the_clusters_of_another_run_are_no_result(play: Play) -> None:
    with pytest.raises(ClusterExists):
        play(Bare(at_up=ClusterExists("a cluster called lab-default is already up")))
    assert play.reports == []


def test_ctrl_c_cleans_up_and_goes_on(play: Play) -> None:
    coming, working = Bare(at_up=KeyboardInterrupt()), Bare()
    with pytest.raises(KeyboardInterrupt):
        play(coming)
    assert coming.order == ["up", "close"]
    with pytest.raises(KeyboardInterrupt):
        play(working, KeyboardInterrupt())
    assert working.order == ["up", "move", "undo, False", "close"]


def test_a_clean_up_that_fails_fails_the_run_but_hides_no_earlier_error(play: Play) -> None:
    late, early = CommandFailed("kind ended with exit code 1", code=1), ScenarioFailed("it answered")
    result, failed = play(Bare(at_close=late))
    assert failed is late
    assert not result.passed
    result, _ = play(Bare(at_close=late), early)
    assert result.rows[0].cause == "it answered"
    _, failed = play(Bare(at_up=early, at_close=late))
    assert failed is early


def test_a_run_with_nothing_left_to_play_brings_no_cluster_up(play: Play) -> None:
    done, world = play(Bare())[0].rows[0], Bare()
    result, _ = play(world, done={"one": done})
    assert (world.order, result.passed, result.rows) == ([], True, (done,))
