"""Plays scenarios: side by side those that can be, the others alone, and every clean-up whatever happens."""

import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path

from task_gateway.errors import ScenarioFailed, TaskGatewayError
from task_gateway_lab.model_bugbash import Row, Status
from task_gateway_lab.scenarios import evidence
from task_gateway_lab.scenarios.declared import Move, Scenario, Scene
from task_gateway_lab.scenarios.steps import Steps, Watcher, why
from task_gateway_lab.scenarios.world import World

WatcherOf = Callable[[Scenario], Watcher]


def play_all(
    scenarios: Sequence[Scenario],
    world: World,
    folder: Path,
    watcher: WatcherOf,
    *,
    parallel: int = 1,
    done: Mapping[str, Row] | None = None,
) -> Iterator[Row]:
    """Play scenarios and yield the row of each as it ends; those of `done` that passed are not played again.

    Those that can be played beside others come first, `parallel` at once, then the others one by one.
    """
    passed = {name: row for name, row in (done or {}).items() if row.status == Status.PASSED}
    yield from (passed[each.name] for each in scenarios if each.name in passed)
    left = [each for each in scenarios if each.name not in passed]
    with ThreadPoolExecutor(max(1, parallel)) as pool:
        going = [pool.submit(play, each, world, folder, watcher(each)) for each in left if not each.alone]
        try:
            for each in as_completed(going):
                yield each.result()
        except BaseException:
            for each in going:
                each.cancel()
            raise
    for scenario in left:
        if scenario.alone:
            yield play(scenario, world, folder, watcher(scenario))


def play(scenario: Scenario, world: World, folder: Path, watcher: Watcher) -> Row:
    """Play one scenario to its end and return its row; evidence is gathered before anything is cleaned up."""
    missing = world.lacks(scenario.needs, scenario.tags)
    if not scenario.moves:
        return _row(scenario, Status.PERSON, repeat=scenario.by_hand(world.facts))
    if missing:
        return _row(scenario, Status.SKIPPED, missing, scenario.by_hand(world.facts))
    started, steps = time.monotonic(), Steps(watcher)
    scene = Scene(world, folder / scenario.name, facts=dict(world.facts))
    shutil.rmtree(scene.folder, ignore_errors=True)
    failed, files = perform(scenario.moves, scene, steps, scene.folder)
    return replace(
        _row(scenario, Status.FAILED if failed else Status.PASSED, "" if failed is None else why(failed)),
        seconds=round(time.monotonic() - started, 3),
        steps=tuple(steps.done),
        screenshot=scene.screenshot if (folder / scene.screenshot).is_file() else "",
        repeat=scenario.by_hand(scene.facts),
        evidence=tuple(str(file.relative_to(folder)) for file in files),
        notebooks=tuple(scene.notebooks.values()),
        error=failed,
    )


def perform(moves: Sequence[Move], scene: Scene, steps: Steps, folder: Path) -> tuple[Exception | None, list[Path]]:
    """Do the moves, then undo what is to be undone; return what ended them, with its evidence from before that."""
    failed: Exception | None = None
    files: list[Path] = []
    try:
        with scene.later:
            try:
                for move in moves:
                    with steps.step(move.name) as note:
                        note.detail = move.do(scene)
            except Exception as error:
                failed = error
                files = evidence.collect(folder, error, scene.world.kubes.items(), scene.world.namespaces)
    except TaskGatewayError as error:
        failed = failed or ScenarioFailed(f"the clean-up failed: {why(error)}")
    return failed, files


def _row(scenario: Scenario, status: Status, cause: str = "", repeat: tuple[str, ...] = ()) -> Row:
    return Row(scenario.name, scenario.group, status, 0.0, scenario.sentence, cause=cause, repeat=repeat)
