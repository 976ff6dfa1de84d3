"""A run as a page to read: verdict, versions, each step with its time, each notebook with its picture."""

import re
from collections.abc import Iterable, Sequence
from urllib.parse import quote

from task_gateway.model import NotebookRun, RunResult


def markdown(result: RunResult) -> str:
    """Return the run as Markdown; texts of any content stay texts."""
    verdict = "passed" if result.passed else "failed"
    parts = [f"# {_text(result.name)}", f"**{verdict.capitalize()}** in {result.seconds:.1f} s."]
    if result.versions:
        parts += ["## Versions", _table(("Part", "Version"), sorted(result.versions.items()))]
    if result.steps:
        rows = [
            (step.name, "passed" if step.passed else "**failed**", f"{step.seconds:.1f}", step.detail)
            for step in result.steps
        ]
        parts += ["## Steps", _table(("Step", "Result", "Seconds", "Seen"), rows, plain=1)]
    if result.notebooks:
        parts.append("## Notebooks")
        for notebook in result.notebooks:
            parts += _notebook(notebook)
    if result.evidence:
        parts += ["## Evidence", "\n".join(f"- {_link(path)}" for path in result.evidence)]
    return "\n\n".join(parts) + "\n"


def _notebook(notebook: NotebookRun) -> list[str]:
    after = "reaches nothing" if notebook.refused_after_release else "**still answers**"
    rows = [
        ("Cluster", notebook.cluster),
        ("Address", f"{notebook.address}, port {notebook.port}"),
        ("Strategy", notebook.strategy),
    ]
    parts = [
        f"### Resource manager {_text(notebook.resource_manager)}",
        _table(("", ""), rows),
        f"After the release the address {after}.",
        "The cell:",
        _fence(notebook.cell, "python"),
        "Its output:",
        _fence(notebook.output, "text"),
    ]
    if notebook.screenshot:
        parts.append(f"![The notebook of {_text(notebook.resource_manager)}]({quote(notebook.screenshot)})")
    return parts


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], plain: int | None = None) -> str:
    """Return a table; the column `plain` holds Markdown already."""
    lines = [head, ["---"] * len(head)]
    lines += [[cell if i == plain else _text(cell) for i, cell in enumerate(row)] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _text(text: str) -> str:
    """Return `text` on one line, with nothing in it that Markdown or HTML would read as its own."""
    escaped = text.strip().replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    escaped = re.sub(r"([\\`*_\[\]|#~!])", r"\\\1", escaped)
    return "<br>".join(escaped.splitlines())


def _fence(text: str, language: str) -> str:
    """Return a code block whose fence is longer than any in the text."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def _link(path: str) -> str:
    return f"[{_text(path)}]({quote(path)})"
