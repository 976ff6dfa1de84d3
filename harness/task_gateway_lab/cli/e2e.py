"""Open notebooks of two clusters end to end."""

import typer

from task_gateway.cli.output import Output, OutputOption
from task_gateway.deferred import Deferred
from task_gateway_lab.cli import _run, _scenarios
from task_gateway_lab.scenarios import runtime
from task_gateway_lab.scenarios.e2e import TAG

browser = Deferred("task_gateway_lab.master.browser")


def register(root: typer.Typer) -> None:
    """Add the command to the program."""
    root.command(epilog="Example: task-gateway e2e --name lab --keep")(e2e)


def e2e(
    name: _run.NameOption = "e2e",
    keep: _run.KeepOption = False,
    chart: _run.ChartOption = _run.CHART,
    crds: _run.CrdsOption = _run.CRDS,
    reports: _run.ReportsOption = _run.REPORTS,
    output: OutputOption = Output.text,
) -> None:
    """Open notebooks of two clusters end to end.

    Opens two notebooks through a master, one of them through the gateway, and a third one that the operator exposes by
    a label. Writes a report to REPORTS/NAME/. Runs the scenarios with the tag e2e. Requires the operator's image in the
    folder of the chart. Exit code 0 if every step passed.
    """
    scenarios = _scenarios.chosen((), (TAG,))
    given = _scenarios.environment_spec(scenarios, name, chart, crds, keep=keep, both_families=False)
    browser.find()  # fails here if it is missing, before clusters are created
    _scenarios.run_scenarios(scenarios, runtime.Environment(given), reports, output, strict=True)
