"""Run all scenarios and write the checklist."""

import typer

from task_gateway.cli.output import Output, OutputOption
from task_gateway_lab.cli import _run, _scenarios
from task_gateway_lab.scenarios import runtime
from task_gateway_lab.scenarios.places import FIRST_PORT, MASTER_PORT


def register(root: typer.Typer) -> None:
    """Add the command to the program."""
    root.command(epilog="Example: task-gateway bugbash --parallel 3")(bugbash)


def bugbash(
    name: _run.NameOption = "bugbash",
    controller: _scenarios.ControllerOption = _scenarios.CONTROLLER,
    against: _scenarios.AgainstOption = None,
    keep: _run.KeepOption = False,
    parallel: _scenarios.ParallelOption = 3,
    resume: _scenarios.ResumeOption = False,
    chart: _run.ChartOption = _run.CHART,
    crds: _run.CrdsOption = _run.CRDS,
    image: _scenarios.ImageOption = "",
    master_port: _scenarios.PortOption = MASTER_PORT,
    first_port: _scenarios.FirstPortOption = FIRST_PORT,
    reports: _run.ReportsOption = _run.REPORTS,
    output: OutputOption = Output.text,
) -> None:
    """Run all scenarios and write the checklist.

    Writes an HTML page, Markdown, JUnit and JSON to REPORTS/NAME/. Exit code 1 if a row failed. Manual rows describe
    what to do, and never count as passed.
    """
    scenarios = _scenarios.chosen((), ())
    given = _scenarios.environment_spec(
        scenarios, name, chart, crds, image, controller, against or (), keep, master_port, first_port
    )
    _scenarios.run_scenarios(scenarios, runtime.Environment(given), reports, output, parallel=parallel, resume=resume)
