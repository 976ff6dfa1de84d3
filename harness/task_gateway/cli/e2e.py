"""Open notebooks of two clusters end to end."""

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from task_gateway import __version__
from task_gateway.cli.output import Output, OutputOption, emit
from task_gateway.clusters import images
from task_gateway.clusters.base import NAME
from task_gateway.deferred import rich
from task_gateway.errors import ClusterExists, ToolMissing, UsageError
from task_gateway.report import as_table, files
from task_gateway.scenarios.e2e import ADDITIONAL, play
from task_gateway.scenarios.steps import Terminal
from task_gateway.scenarios.world import Given, World

CHART = Path("dist") / f"internal-task-gateway-{__version__}.tgz"
CRDS = Path("dist") / f"gateway-api-crds-{__version__}.tgz"
LONGEST_SUFFIX = "-additional"


def register(root: typer.Typer) -> None:
    """Add the command to the program."""
    root.command(epilog="Example: task-gateway e2e --name lab --keep")(e2e)


def e2e(
    name: Annotated[str, typer.Option(help="Names the run, its clusters and its report: a-z, 0-9 and '-'.")] = "e2e",
    keep: Annotated[bool, typer.Option("--keep", envvar="KEEP", help="Leave the clusters up at the end.")] = False,
    chart: Annotated[Path, typer.Option(help="The packaged chart; `make charts` makes it.")] = CHART,
    crds: Annotated[Path, typer.Option(help="The packaged chart of Gateway API's CRDs.")] = CRDS,
    reports: Annotated[Path, typer.Option(help="The folder of reports.")] = Path("reports"),
    output: OutputOption = Output.text,
) -> None:
    """Open notebooks of two clusters through a master, one by way of the gateway; report to REPORTS/NAME/.

    Exit code 0 if every step passed.
    """
    run, packages, made = run_name(name), (chart_file(chart), chart_file(crds)), images.load()
    given = Given(run, *packages, made.notebook, additional=(ADDITIONAL,), keep=keep)
    typer.echo(f"images: {made.mode} ({made.reason})", err=True)
    folder = reports / name
    result, failed = play(World(given), folder, Terminal(rich.console.Console(stderr=True)))
    if isinstance(failed, ClusterExists):
        raise failed  # of another run, whose report stays as it is
    result = dataclasses.replace(result, images=made.mode)
    files.write(result, folder)
    emit(result, output, as_table.terminal)
    typer.echo(f"report: {folder / 'report.md'}", err=True)
    if failed is not None and output is Output.json:
        raise typer.Exit(getattr(failed, "exit_code", 1)) from failed
    if failed is not None:
        raise failed


def run_name(name: str) -> str:
    """Return a name that clusters can carry, and folders; UsageError if it is none."""
    if not NAME.fullmatch(f"{name}{LONGEST_SUFFIX}"):
        raise UsageError(
            f"{name!r} cannot name a run",
            hint="use up to 29 of a-z, 0-9 and '-', with a letter or digit at both ends",
        )
    return name


def chart_file(chart: Path) -> Path:
    """Return the packaged chart; ToolMissing if it is not there."""
    if not chart.is_file():
        raise ToolMissing("the packaged chart is not there", where=str(chart), hint="make charts")
    return chart
