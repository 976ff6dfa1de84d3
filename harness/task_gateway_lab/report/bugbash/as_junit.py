"""Renders a run as JUnit XML: a suite per group with a case per row; for a single scenario a case per step."""

from collections.abc import Iterator

from task_gateway.model import StepResult
from task_gateway.report.junit import Case, Suite, document
from task_gateway_lab.model_bugbash import BugBash, ScenarioResult, Status


def junit(result: BugBash) -> str:
    """Return the run as a `testsuites` document; manual rows are skipped."""
    return document(result.name, _steps(result) if result.stepwise else _groups(result))


def _steps(result: BugBash) -> Iterator[Suite]:
    cases = tuple(map(_step, result.steps))
    if not result.passed and not any(each.failure for each in cases):
        cause = result.cause or next((row.cause for row in result.rows if row.cause), "the run ended before its steps")
        cases = (*cases, Case("run", failure=cause))
    yield Suite(result.name, cases, result.versions)


def _step(step: StepResult) -> Case:
    failure = "" if step.passed else step.detail or "failed"
    return Case(step.name, step.seconds, failure=failure, output=step.detail if step.passed else "")


def _groups(result: BugBash) -> Iterator[Suite]:
    for group, rows in result.groups.items():
        yield Suite(group, tuple(map(_row, rows)))
    if result.cause:
        yield Suite(result.name, (Case("run", failure=result.cause),))


def _row(row: ScenarioResult) -> Case:
    skipped = {Status.SKIPPED: row.cause or "skipped", Status.PERSON: "manual"}
    return Case(
        row.name,
        row.seconds,
        failure=(row.cause or "failed") if row.status == Status.FAILED else "",
        skipped=skipped.get(row.status, ""),
        output="\n".join(f"{step.name}: {step.detail}" for step in row.steps),
    )
