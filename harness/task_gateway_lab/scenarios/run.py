"""A whole run: brings the clusters up, plays, cleans up, and has all of it in one result, however it ends."""

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path

from task_gateway.errors import ClusterExists
from task_gateway_lab.model_bugbash import BugBash, Row
from task_gateway_lab.scenarios.declared import Scenario
from task_gateway_lab.scenarios.runner import WatcherOf, play_all
from task_gateway_lab.scenarios.steps import Steps, Watcher, why
from task_gateway_lab.scenarios.world import World

EVIDENCE = "evidence"
"""The folder, beside the report, of what was found when the run itself failed."""


def run(
    scenarios: Sequence[Scenario],
    world: World,
    folder: Path,
    watchers: tuple[Watcher, WatcherOf],
    played: Callable[[Row, BugBash], None],
    *,
    parallel: int = 1,
    done: Mapping[str, Row] | None = None,
) -> tuple[BugBash, Exception | None]:
    """Return what the run gave, and the error that ended it; Ctrl-C cleans up, then goes on.

    `watchers` are told how the run goes, and each scenario; `played` gets each row with the result up to there.
    ClusterExists is raised: the clusters are those of another run, whose report stays as it is.
    """
    began, rows, steps = time.monotonic(), dict(done or {}), Steps(watchers[0])
    failed: Exception | None = None
    before: int | None = None

    def result() -> BugBash:
        return BugBash(
            world.given.name,
            round(time.monotonic() - began, 3),
            world.versions,
            tuple(rows[each.name] for each in scenarios if each.name in rows),
            world.given.images,
            tuple(steps.done[:before]),
            () if before is None else tuple(steps.done[before:]),
            "" if failed is None else why(failed),
            tuple(str(file.relative_to(folder)) for file in world.evidence),
        )

    shutil.rmtree(folder / EVIDENCE, ignore_errors=True)
    needed = any(each.moves and each.name not in rows for each in scenarios)
    try:
        with world.standing(steps, folder / EVIDENCE) if needed else nullcontext():
            before = len(steps.done)
            for row in play_all(scenarios, world, folder, watchers[1], parallel=parallel, done=done):
                rows[row.name] = row
                played(row, result())
    except ClusterExists:
        raise
    except Exception as error:
        failed = error
    return result(), failed
