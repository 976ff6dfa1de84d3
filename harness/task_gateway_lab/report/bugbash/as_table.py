"""Renders a run for a terminal: a row for each scenario, or the steps and notebooks of a single one."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from task_gateway.model import Address
from task_gateway.report import cells
from task_gateway_lab.model_bugbash import BugBash


def terminal(result: BugBash) -> RenderableType:
    """Return the rows of the run; a single scenario step by step, with the verdict."""
    if not result.stepwise:
        return _rows(result)
    verdict = Text.assemble(_verdict(result.passed), f" in {result.seconds:.1f} s")
    return Group(*_steps(result), *_notebooks(result), verdict)


def _rows(result: BugBash) -> Table:
    table = cells.table("NAME", "GROUP", "STATUS", "SECONDS", "CAUSE")
    for row in result.rows:
        table.add_row(*cells.cells([row.name, row.group, str(row.status), f"{row.seconds:.0f}", row.cause]))
    return table


def _steps(result: BugBash) -> Iterator[Table]:
    if result.steps:
        table = Table("Step", "Result", "Seconds", "Details", title=Text(result.name), title_justify="left")
        table.columns[2].justify = "right"
        for step in result.steps:
            table.add_row(Text(step.name), _verdict(step.passed), Text(f"{step.seconds:.1f}"), Text(step.detail))
        yield table


def _notebooks(result: BugBash) -> Iterator[Table]:
    if result.notebooks:
        table = Table("Notebook of", "Cluster", "Address", "Strategy", "Output", "After release")
        for each in result.notebooks:
            address = str(Address(each.address, each.port))
            after = "closed" if each.refused_after_release else "still answers"
            words = (each.resource_manager, each.cluster, address, each.strategy, each.output, after)
            table.add_row(*map(Text, words))
        yield table


def _verdict(passed: bool) -> Text:
    return Text("passed", style="green") if passed else Text("failed", style="bold red")
