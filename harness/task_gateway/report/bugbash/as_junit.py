"""A bug bash as JUnit XML: a suite for each group, a case for each row; rows for a person are skipped."""

from task_gateway.model_bugbash import BugBash, Row, Status
from task_gateway.report.junit import Case, Suite, document


def junit(result: BugBash) -> str:
    """Return the run as a `testsuites` document."""
    return document(result.name, (Suite(group, tuple(map(_case, rows))) for group, rows in result.groups.items()))


def _case(row: Row) -> Case:
    skipped = {Status.SKIPPED: row.cause or "skipped", Status.PERSON: "for a person to look at"}
    return Case(
        row.name,
        row.seconds,
        failure=(row.cause or "failed") if row.status == Status.FAILED else "",
        skipped=skipped.get(row.status, ""),
        output="\n".join(f"{step.name}: {step.detail}" for step in row.steps),
    )
