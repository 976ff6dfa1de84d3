"""A bug bash as Markdown, to paste into an issue: a box for each row, ticked where it passed."""

from task_gateway.model_bugbash import BugBash, Row, Status
from task_gateway.report.markdown_text import escaped, fence, link, table

MARK = {Status.PASSED: "x", Status.FAILED: " ", Status.SKIPPED: " ", Status.PERSON: " "}
WORD = {Status.PASSED: "", Status.FAILED: "**failed**", Status.SKIPPED: "skipped", Status.PERSON: "for a person"}


def markdown(result: BugBash) -> str:
    """Return the run as Markdown; texts of any content stay texts."""
    verdict = "Passed" if result.passed else "Not passed"
    counts = ", ".join(f"{result.count(status)} {status}" for status in Status if result.count(status))
    parts = [f"# {escaped(result.name)}", f"**{verdict}** in {result.seconds:.0f} s: {counts or 'nothing was run'}."]
    if result.versions:
        parts += ["## Versions", table(("Part", "Version"), sorted(result.versions.items()))]
    for group, rows in result.groups.items():
        parts += [f"## {escaped(group)}", "\n".join(_line(row) for row in rows)]
    for row in result.rows:
        if row.status == Status.FAILED:
            parts += _failure(row)
    return "\n\n".join(parts) + "\n"


def _line(row: Row) -> str:
    word = f" {WORD[row.status]}" if WORD[row.status] else ""
    why = f": {escaped(row.cause)}" if row.cause else ""
    seconds = f" ({row.seconds:.0f} s)" if row.seconds else ""
    return f"- [{MARK[row.status]}] `{row.name}`{word} {escaped(row.sentence)}{seconds}{why}"


def _failure(row: Row) -> list[str]:
    steps = [
        (step.name, "passed" if step.passed else "failed", f"{step.seconds:.1f}", step.detail) for step in row.steps
    ]
    parts = [f"## Failed: `{row.name}`", escaped(row.cause)]
    if steps:
        parts.append(table(("Step", "Result", "Seconds", "Seen"), steps))
    if row.repeat:
        parts += ["By hand:", fence("\n".join(row.repeat), "sh")]
    if row.evidence:
        parts.append("\n".join(f"- {link(path)}" for path in row.evidence))
    return parts
