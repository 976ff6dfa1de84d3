"""A whole run: brings the clusters up, runs the scenarios, cleans up, and always returns one result."""

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path

from task_gateway.errors import ClusterExists
from task_gateway_lab.model_bugbash import BugBash, ScenarioResult
from task_gateway_lab.scenarios.base import Scenario
from task_gateway_lab.scenarios.environment import Environment
from task_gateway_lab.scenarios.runner import ReporterFor, run_all
from task_gateway_lab.scenarios.steps import Reporter, StepRecorder, why

EVIDENCE = "evidence"
"""The folder, next to the report, with the evidence if the run itself failed."""


def run(
    scenarios: Sequence[Scenario],
    environment: Environment,
    folder: Path,
    reporters: tuple[Reporter, ReporterFor],
    finished: Callable[[ScenarioResult, BugBash], None],
    *,
    parallel: int = 1,
    done: Mapping[str, ScenarioResult] | None = None,
) -> tuple[BugBash, Exception | None]:
    """Run the scenarios; return the result, and the error that ended the run. Ctrl-C cleans up, then is raised.

    `reporters` receive the progress of the run and of each scenario; `finished` is called with each row and the result
    so far. ClusterExists is raised, because the clusters are those of another run, whose report must not change.
    """
    began, rows, steps = time.monotonic(), dict(done or {}), StepRecorder(reporters[0])
    failed: Exception | None = None
    before: int | None = None

    def result() -> BugBash:
        return BugBash(
            environment.spec.name,
            round(time.monotonic() - began, 3),
            environment.versions,
            tuple(rows[each.name] for each in scenarios if each.name in rows),
            environment.spec.images,
            tuple(steps.done[:before]),
            () if before is None else tuple(steps.done[before:]),
            "" if failed is None else why(failed),
            tuple(str(file.relative_to(folder)) for file in environment.evidence),
        )

    shutil.rmtree(folder / EVIDENCE, ignore_errors=True)
    needed = any(each.steps and each.name not in rows for each in scenarios)
    try:
        with environment.running(steps, folder / EVIDENCE) if needed else nullcontext():
            before = len(steps.done)
            for row in run_all(scenarios, environment, folder, reporters[1], parallel=parallel, done=done):
                rows[row.name] = row
                finished(row, result())
    except ClusterExists:
        raise
    except Exception as error:
        failed = error
    return result(), failed
