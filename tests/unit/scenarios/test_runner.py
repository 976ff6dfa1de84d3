"""Playing declared scenarios: each has its clean-up, its evidence and its row, whatever happens in it."""

import io
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from task_gateway.errors import ScenarioFailed
from task_gateway_lab.model_bugbash import Row, Status
from task_gateway_lab.scenarios.declared import Move, Scenario, Scene
from task_gateway_lab.scenarios.runner import play, play_all
from task_gateway_lab.scenarios.steps import Terminal, Watcher

Do = Callable[[Scene], str]


class Bare:
    """A world without clusters."""

    facts = {"place": "here"}  # noqa: RUF012
    kubes: dict[str, Any] = {}  # noqa: RUF012
    namespaces = ()

    def lacks(self, needs: Sequence[str], tags: Sequence[str] = ()) -> str:
        return "there is no moon" if "moon" in needs else ""


def watcher(_: object = None) -> Watcher:
    return Terminal(Console(file=io.StringIO()))


def scenario(name: str, *moves: Do, **options: Any) -> Scenario:
    made = tuple(Move(f"step {number}", do, "ls $place/$thing") for number, do in enumerate(moves))
    return Scenario(name, "Group", f"{name} works.", moves=made, **options)


def seen(text: str) -> Do:
    return lambda scene: text


def fails(scene: Scene) -> str:
    raise ScenarioFailed("it is broken", where="Pod a/b")


def played(found: Scenario, folder: Path) -> Row:
    return play(found, Bare(), folder, watcher())  # type: ignore[arg-type]


def test_what_moves_see_and_know_is_in_the_row(tmp_path: Path) -> None:
    def knows(scene: Scene) -> str:
        scene.facts["thing"] = "it"
        scene.picture("page").parent.mkdir(parents=True)
        scene.picture("page").write_bytes(b"png")
        return "two"

    row = played(scenario("one", seen("one"), knows), tmp_path)
    assert (row.status, row.cause) == (Status.PASSED, "")
    assert [(step.name, step.detail) for step in row.steps] == [("step 0", "one"), ("step 1", "two")]
    assert row.repeat == ("# step 0", "ls here/it", "# step 1", "ls here/it")
    assert row.screenshot == "one/page.png"


def test_a_failure_ends_it_with_evidence_and_cleans_up_after_that(tmp_path: Path) -> None:
    order = []

    def begins(scene: Scene) -> str:
        scene.later.callback(lambda: order.append((tmp_path / "one" / "error.txt").exists()))
        return ""

    row = played(scenario("one", begins, fails, seen("never")), tmp_path)
    assert (row.status, row.cause) == (Status.FAILED, "it is broken (Pod a/b)")
    assert [step.passed for step in row.steps] == [True, False]
    assert row.evidence == ("one/error.txt",)
    assert order == [True], "evidence first, then the clean-up"


def test_a_clean_up_that_fails_fails_the_row(tmp_path: Path) -> None:
    def begins(scene: Scene) -> str:
        scene.later.callback(fails, scene)
        return ""

    row = played(scenario("one", begins), tmp_path)
    assert (row.status, row.cause) == (Status.FAILED, "the clean-up failed: it is broken (Pod a/b)")


def test_what_is_not_there_skips_and_a_person_is_never_counted(tmp_path: Path) -> None:
    row = played(scenario("one", fails, needs=("moon",)), tmp_path)
    assert (row.status, row.cause) == (Status.SKIPPED, "there is no moon")
    row = played(scenario("two", look="open it\nlook"), tmp_path)
    assert (row.status, row.repeat) == (Status.PERSON, ("open it", "look"))


@pytest.mark.parametrize("parallel", [1, 3])
def test_those_that_disturb_others_are_played_alone(tmp_path: Path, parallel: int) -> None:
    going, most, lock = [0], [0], threading.Lock()
    together = threading.Barrier(parallel)

    def counted(alone: bool) -> Do:
        def do(scene: Scene) -> str:
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
    rows = list(play_all(found, Bare(), tmp_path, watcher, parallel=parallel))  # type: ignore[arg-type]
    assert {row.status for row in rows} == {Status.PASSED}
    assert rows[-1].name == "alone"
    assert most == [parallel]


def test_a_resumed_run_plays_what_did_not_pass(tmp_path: Path) -> None:
    before = {
        "good": Row("good", "Group", Status.PASSED, 1.0, "good works."),
        "bad": Row("bad", "Group", Status.FAILED, 1.0, "bad works.", cause="once"),
    }
    found = [scenario("good", fails), scenario("bad", seen("mended"))]
    rows = {
        row.name: row
        for row in play_all(found, Bare(), tmp_path, watcher, done=before)  # type: ignore[arg-type]
    }
    assert rows["good"] is before["good"]
    assert (rows["bad"].status, rows["bad"].cause) == (Status.PASSED, "")
