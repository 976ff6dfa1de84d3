"""A run as a page to read: verdict, versions, each step with its time, each notebook with its picture."""

from urllib.parse import quote

from task_gateway.model import NotebookRun, RunResult
from task_gateway.report.markdown_text import escaped, fence, link, table


def markdown(result: RunResult) -> str:
    """Return the run as Markdown; texts of any content stay texts."""
    verdict = "passed" if result.passed else "failed"
    parts = [f"# {escaped(result.name)}", f"**{verdict.capitalize()}** in {result.seconds:.1f} s."]
    if result.images:
        parts.append(f"Images: {result.images}.")
    if result.versions:
        parts += ["## Versions", table(("Part", "Version"), sorted(result.versions.items()))]
    if result.steps:
        rows = [
            (step.name, "passed" if step.passed else "**failed**", f"{step.seconds:.1f}", step.detail)
            for step in result.steps
        ]
        parts += ["## Steps", table(("Step", "Result", "Seconds", "Seen"), rows, plain=[1])]
    if result.notebooks:
        parts.append("## Notebooks")
        for notebook in result.notebooks:
            parts += _notebook(notebook)
    if result.evidence:
        parts += ["## Evidence", "\n".join(f"- {link(path)}" for path in result.evidence)]
    return "\n\n".join(parts) + "\n"


def _notebook(notebook: NotebookRun) -> list[str]:
    after = "reaches nothing" if notebook.refused_after_release else "**still answers**"
    rows = [
        ("Cluster", notebook.cluster),
        ("Address", f"{notebook.address}, port {notebook.port}"),
        ("Strategy", notebook.strategy),
    ]
    parts = [
        f"### Resource manager {escaped(notebook.resource_manager)}",
        table(("", ""), rows),
        f"After the release the address {after}.",
        "The cell:",
        fence(notebook.cell, "python"),
        "Its output:",
        fence(notebook.output, "text"),
    ]
    if notebook.screenshot:
        parts.append(f"![The notebook of {escaped(notebook.resource_manager)}]({quote(notebook.screenshot)})")
    return parts
