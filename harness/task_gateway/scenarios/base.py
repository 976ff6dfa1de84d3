"""What a scenario is, and how one is played: step by step, evidence when one fails, and always a clean-up."""

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from task_gateway.errors import TaskGatewayError
from task_gateway.model import NotebookRun, RunResult
from task_gateway.registry import Registry
from task_gateway.scenarios.steps import Steps, Watcher

EVIDENCE = "evidence"


@dataclass(frozen=True)
class Options:
    """What a run is given: its name (which its clusters carry), where its report goes, and what to install."""

    name: str
    folder: Path
    chart: Path
    crds: Path
    image: str
    keep: bool = False


class Play(Protocol):
    """One run of a scenario, with what it has gathered so far."""

    versions: dict[str, str]
    notebooks: list[NotebookRun]

    def run(self, steps: Steps) -> None:
        """Do all steps; raise at the first that fails."""

    def collect(self, folder: Path, error: Exception) -> Sequence[Path]:
        """Write what helps to understand `error` into `folder`; never raise for what cannot be had."""

    def close(self, steps: Steps) -> None:
        """Remove what the run made, whatever state it is in."""


@dataclass(frozen=True)
class Scenario:
    """What is proved, in one sentence, and what must be there for it."""

    name: str
    sentence: str
    needs: tuple[str, ...]
    prepare: Callable[[Options], Play]


SCENARIOS: Registry[Scenario] = Registry("scenario", "task_gateway.scenarios")


def play(scenario: Scenario, options: Options, watcher: Watcher) -> tuple[RunResult, Exception | None]:
    """Play a scenario to its end; return what it gave, and the error that ended it. Ctrl-C cleans up, then goes on."""
    started = time.monotonic()
    steps = Steps(watcher)
    actors = scenario.prepare(options)
    shutil.rmtree(options.folder / EVIDENCE, ignore_errors=True)
    failed: Exception | None = None
    evidence: Sequence[Path] = ()
    try:
        actors.run(steps)
    except Exception as error:
        failed = error
        evidence = actors.collect(options.folder / EVIDENCE, error)
    finally:
        try:
            actors.close(steps)
        except TaskGatewayError as error:
            failed = failed or error
    result = RunResult(
        name=options.name,
        passed=failed is None,
        seconds=time.monotonic() - started,
        versions=actors.versions,
        steps=tuple(steps.done),
        notebooks=tuple(actors.notebooks),
        evidence=tuple(str(path.relative_to(options.folder)) for path in evidence),
    )
    return result, failed
