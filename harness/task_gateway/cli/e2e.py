"""Open notebooks of two clusters end to end."""

import dataclasses

import typer

from task_gateway.cli._run import (
    CHART,
    CRDS,
    REPORTS,
    ChartOption,
    CrdsOption,
    KeepOption,
    NameOption,
    ReportsOption,
    chart_file,
    run_name,
)
from task_gateway.cli.output import Output, OutputOption, emit
from task_gateway.clusters import images
from task_gateway.deferred import rich
from task_gateway.errors import ClusterExists
from task_gateway.report import as_table, files
from task_gateway.scenarios.e2e import ADDITIONAL, play
from task_gateway.scenarios.steps import Terminal
from task_gateway.scenarios.world import Given, World


def register(root: typer.Typer) -> None:
    """Add the command to the program."""
    root.command(epilog="Example: task-gateway e2e --name lab --keep")(e2e)


def e2e(
    name: NameOption = "e2e",
    keep: KeepOption = False,
    chart: ChartOption = CHART,
    crds: CrdsOption = CRDS,
    reports: ReportsOption = REPORTS,
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
