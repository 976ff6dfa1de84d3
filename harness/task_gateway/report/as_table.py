"""A run as tables for a terminal."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from task_gateway.model import RunResult


def terminal(result: RunResult) -> RenderableType:
    """Return the steps with their seconds, the notebooks with their addresses, and the verdict."""
    parts: list[RenderableType] = []
    if result.steps:
        steps = Table("Step", "Result", "Seconds", "Seen", title=Text(result.name), title_justify="left")
        steps.columns[2].justify = "right"
        for step in result.steps:
            steps.add_row(Text(step.name), _verdict(step.passed), Text(f"{step.seconds:.1f}"), Text(step.detail))
        parts.append(steps)
    if result.notebooks:
        notebooks = Table("Notebook of", "Cluster", "Address", "Strategy", "Output", "After release")
        for notebook in result.notebooks:
            host = f"[{notebook.address}]" if ":" in notebook.address else notebook.address
            notebooks.add_row(
                Text(notebook.resource_manager),
                Text(notebook.cluster),
                Text(f"{host}:{notebook.port}"),
                Text(notebook.strategy),
                Text(notebook.output),
                Text("reaches nothing" if notebook.refused_after_release else "still answers"),
            )
        parts.append(notebooks)
    parts.append(Text.assemble(_verdict(result.passed), f" in {result.seconds:.1f} s"))
    return Group(*parts)


def _verdict(passed: bool) -> Text:
    return Text("passed", style="green") if passed else Text("failed", style="bold red")
