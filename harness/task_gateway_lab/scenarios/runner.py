"""Runs scenarios: in parallel if possible, otherwise one at a time, and always with their clean-up."""

import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path

from task_gateway.errors import ScenarioFailed, TaskGatewayError
from task_gateway_lab.model_bugbash import ScenarioResult, Status
from task_gateway_lab.scenarios import evidence
from task_gateway_lab.scenarios.base import Scenario, ScenarioCase, Step
from task_gateway_lab.scenarios.environment import Environment
from task_gateway_lab.scenarios.steps import Reporter, StepRecorder, why

ReporterFor = Callable[[Scenario], Reporter]


def run_all(
    scenarios: Sequence[Scenario],
    environment: Environment,
    folder: Path,
    reporter: ReporterFor,
    *,
    parallel: int = 1,
    done: Mapping[str, ScenarioResult] | None = None,
) -> Iterator[ScenarioResult]:
    """Run scenarios and yield the result of each when it ends; those that passed in `done` are not repeated.

    Those that can run in parallel come first, `parallel` at a time, then the others one by one.
    """
    passed = {name: result for name, result in (done or {}).items() if result.status == Status.PASSED}
    yield from (passed[each.name] for each in scenarios if each.name in passed)
    left = [each for each in scenarios if each.name not in passed]
    with ThreadPoolExecutor(max(1, parallel)) as pool:
        going = [
            pool.submit(run_scenario, each, environment, folder, reporter(each)) for each in left if not each.alone
        ]
        try:
            for each in as_completed(going):
                yield each.result()
        except BaseException:
            for each in going:
                each.cancel()
            raise
    for scenario in left:
        if scenario.alone:
            yield run_scenario(scenario, environment, folder, reporter(scenario))


def run_scenario(scenario: Scenario, environment: Environment, folder: Path, reporter: Reporter) -> ScenarioResult:
    """Run one scenario and return its result; evidence is collected before the clean-up."""
    missing = environment.missing_requirement(scenario.needs, scenario.tags)
    if not scenario.steps:
        return _result(scenario, Status.PERSON, repeat=scenario.by_hand(environment.facts))
    if missing:
        return _result(scenario, Status.SKIPPED, missing, scenario.by_hand(environment.facts))
    started, recorder = time.monotonic(), StepRecorder(reporter)
    case = ScenarioCase(environment, folder / scenario.name, facts=dict(environment.facts))
    shutil.rmtree(case.folder, ignore_errors=True)
    failed, files = run_steps(scenario.steps, case, recorder, case.folder)
    return replace(
        _result(scenario, Status.FAILED if failed else Status.PASSED, "" if failed is None else why(failed)),
        seconds=round(time.monotonic() - started, 3),
        steps=tuple(recorder.done),
        screenshot=case.screenshot if (folder / case.screenshot).is_file() else "",
        repeat=scenario.by_hand(case.facts),
        evidence=tuple(str(file.relative_to(folder)) for file in files),
        notebooks=tuple(case.notebooks.values()),
        error=failed,
    )


def run_steps(
    steps: Sequence[Step], case: ScenarioCase, recorder: StepRecorder, folder: Path
) -> tuple[Exception | None, list[Path]]:
    """Perform the steps, collect evidence if one fails, then clean up; return the error and the files of evidence."""
    failed: Exception | None = None
    files: list[Path] = []
    try:
        with case.cleanup:
            try:
                for step in steps:
                    with recorder.step(step.name) as note:
                        note.detail = step.do(case)
            except Exception as error:
                failed = error
                files = evidence.collect(folder, error, case.environment.kubes.items(), case.environment.namespaces)
    except TaskGatewayError as error:
        failed = failed or ScenarioFailed(f"the clean-up failed: {why(error)}")
    return failed, files


def _result(scenario: Scenario, status: Status, cause: str = "", repeat: tuple[str, ...] = ()) -> ScenarioResult:
    return ScenarioResult(scenario.name, scenario.group, status, 0.0, scenario.sentence, cause=cause, repeat=repeat)
