"""Renders a run as Markdown for an issue: a checkbox per row, checked if it passed; a single scenario in full."""

from collections.abc import Sequence
from urllib.parse import quote

from task_gateway.model import StepResult
from task_gateway_lab.model_bugbash import BugBash, NotebookRun, ScenarioResult, Status
from task_gateway_lab.report.bugbash.by_hand import by_hand
from task_gateway_lab.report.markdown_text import escaped, fence, link, table

MARK = {Status.PASSED: "x", Status.FAILED: " ", Status.SKIPPED: " ", Status.PERSON: " "}
WORD = {Status.PASSED: "", Status.FAILED: "**failed**", Status.SKIPPED: "skipped", Status.PERSON: "manual"}


def markdown(result: BugBash) -> str:
    """Return the run as Markdown; all texts are escaped."""
    verdict = "Passed" if result.passed else "Not passed"
    counts = ", ".join(f"{result.count(status)} {status}" for status in Status if result.count(status))
    parts = [f"# {escaped(result.name)}", f"**{verdict}** in {result.seconds:.0f} s: {counts or 'nothing was run'}."]
    parts += [f"Images: {result.images}."] if result.images else []
    parts += [escaped(result.cause)] if result.cause else []
    if result.versions:
        parts += ["## Versions", table(("Part", "Version"), sorted(result.versions.items()))]
    for group, rows in result.groups.items():
        parts += [f"## {escaped(group)}", "\n".join(_line(row) for row in rows)]
    if result.stepwise:
        parts += ["## Steps", _steps(result.steps)] if result.steps else []
        for notebook in result.notebooks:
            parts += _notebook(notebook)
    for row in result.rows:
        if row.status == Status.FAILED:
            parts += _failure(row, () if result.stepwise else row.steps)
    if result.evidence:
        parts += ["## Evidence", _links(result.evidence)]
    return "\n\n".join(parts) + "\n"


def _line(row: ScenarioResult) -> str:
    word = f" {WORD[row.status]}" if WORD[row.status] else ""
    why = f": {escaped(row.cause)}" if row.cause else ""
    seconds = f" ({row.seconds:.0f} s)" if row.seconds else ""
    return f"- [{MARK[row.status]}] `{row.name}`{word} {escaped(row.sentence)}{seconds}{why}"


def _steps(steps: Sequence[StepResult]) -> str:
    rows = [
        (step.name, "passed" if step.passed else "**failed**", f"{step.seconds:.1f}", step.detail) for step in steps
    ]
    return table(("Step", "Result", "Seconds", "Details"), rows, plain=[1])


def _failure(row: ScenarioResult, steps: Sequence[StepResult]) -> list[str]:
    parts = [f"## Failed: `{row.name}`", escaped(row.cause)]
    if steps:
        parts.append(_steps(steps))
    if row.repeat:
        parts += ["By hand:", fence("\n".join(by_hand(row.repeat)), "sh")]
    if row.evidence:
        parts.append(_links(row.evidence))
    return parts


def _links(files: Sequence[str]) -> str:
    return "\n".join(f"- {link(file)}" for file in files)


def _notebook(notebook: NotebookRun) -> list[str]:
    after = "is closed" if notebook.refused_after_release else "**still answers**"
    rows = [
        ("Cluster", notebook.cluster),
        ("Address", f"{notebook.address}, port {notebook.port}"),
        ("Strategy", notebook.strategy),
    ]
    name = escaped(notebook.resource_manager)
    parts = [
        f"## Notebook of resource manager {name} ({notebook.strategy})",
        table(("", ""), rows),
        f"After the release the address {after}.",
        "The cell:",
        fence(notebook.cell, "python"),
        "Its output:",
        fence(notebook.output, "text"),
    ]
    return [*parts, f"![The notebook of {name}]({quote(notebook.screenshot)})"] if notebook.screenshot else parts
