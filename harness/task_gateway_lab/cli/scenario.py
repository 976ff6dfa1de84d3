"""Run scenarios on real clusters."""

import os
from collections.abc import Mapping, Sequence
from typing import Annotated

import typer

from task_gateway.cli._commands import Group
from task_gateway.cli.output import Output, OutputOption, emit
from task_gateway.deferred import rich
from task_gateway.errors import UsageError
from task_gateway.report import cells
from task_gateway_lab.cli import _run, _scenarios
from task_gateway_lab.scenarios import runtime
from task_gateway_lab.scenarios.base import Scenario, in_order
from task_gateway_lab.scenarios.places import FIRST_PORT, MASTER_PORT

app = typer.Typer(cls=Group, no_args_is_help=True, help=__doc__)
TagOption = Annotated[list[str] | None, typer.Option("--tag", help="Only scenarios with this tag. Repeatable.")]
MasterOption = Annotated[
    str,
    typer.Option(help="URL of a platform to test. Set its password in TASK_GATEWAY_MASTER_PASSWORD."),
]
PlatformOption = Annotated[str, typer.Option(help="Platform at --master.")]
UserOption = Annotated[str, typer.Option("--master-user", help="User of that platform.")]
PoolOption = Annotated[
    list[str] | None, typer.Option(help="Resource pool of a resource manager, MANAGER=POOL. Repeatable.")
]
ExperimentOption = Annotated[list[int] | None, typer.Option(help="Experiment that TensorBoards show. Repeatable.")]
PASSWORD = "TASK_GATEWAY_MASTER_PASSWORD"


def register(root: typer.Typer) -> None:
    """Add the group to the program."""
    root.add_typer(app, name="scenario")


@app.command("list", epilog="Example: task-gateway scenario list --tag notebook")
def list_(tag: TagOption = None, output: OutputOption = Output.text) -> None:
    """List the scenarios, and what each proves."""
    emit([_plain(each) for each in (_scenarios.chosen((), tag) if tag else in_order())], output, _table)


@app.command(epilog="Example: task-gateway scenario run notebooks_everywhere --keep")
def run(
    names: Annotated[list[str] | None, typer.Argument(help="Scenarios to run. Default: all.")] = None,
    tag: TagOption = None,
    name: _run.NameOption = "scenarios",
    controller: _scenarios.ControllerOption = _scenarios.CONTROLLER,
    against: _scenarios.AgainstOption = None,
    keep: _run.KeepOption = False,
    parallel: _scenarios.ParallelOption = 1,
    resume: _scenarios.ResumeOption = False,
    chart: _run.ChartOption = _run.CHART,
    crds: _run.CrdsOption = _run.CRDS,
    image: _scenarios.ImageOption = "",
    master_port: _scenarios.PortOption = MASTER_PORT,
    first_port: _scenarios.FirstPortOption = FIRST_PORT,
    master: MasterOption = "",
    platform: PlatformOption = "determined",
    master_user: UserOption = "determined",
    pool: PoolOption = None,
    experiment: ExperimentOption = None,
    reports: _run.ReportsOption = _run.REPORTS,
    output: OutputOption = Output.text,
) -> None:
    """Run scenarios on temporary clusters.

    Writes a report to REPORTS/NAME/. Exit code 1 if a scenario failed.
    """
    chosen = _scenarios.chosen(names or (), tag or ())
    given = _scenarios.environment_spec(
        chosen, name, chart, crds, image, controller, against or (), keep, master_port, first_port
    )
    login = _login(master, master_user, pool or (), experiment or ()) if master else None
    environment = runtime.Product(given, platform, login) if login else runtime.Environment(given)
    _scenarios.run_scenarios(chosen, environment, reports, output, parallel=parallel, resume=resume)


def _login(url: str, user: str, pools: Sequence[str], experiments: Sequence[int]) -> "runtime.PlatformLogin":
    """Return the login of a platform; UsageError without its password, or if a pool cannot be parsed."""
    password = os.environ.get(PASSWORD)
    if password is None:
        raise UsageError("the password of the master is not set", hint=f"export {PASSWORD}=…")
    named = dict(each.split("=", 1) for each in pools if "=" in each)
    if len(named) != len(pools) or not named:
        raise UsageError(
            "each resource manager requires a resource pool", where="--pool", hint="--pool east=POOL --pool west=POOL"
        )
    return runtime.PlatformLogin(url, user, password, named, experiments)


def _plain(scenario: Scenario) -> dict[str, object]:
    return {
        "name": scenario.name,
        "group": scenario.group,
        "sentence": scenario.sentence,
        "needs": list(scenario.needs),
        "tags": list(scenario.tags),
        "steps": [step.name for step in scenario.steps],
        "person": not scenario.steps,
    }


def _table(found: Sequence[Mapping[str, object]]) -> "rich.table.Table":
    table = rich.table.Table("NAME", "GROUP", "STEPS", "DESCRIPTION", box=None, pad_edge=False)
    for each in found:
        steps = "manual" if each["person"] else str(len(list(each["steps"])))  # type: ignore[call-overload]
        table.add_row(*cells.cells([str(each["name"]), str(each["group"]), steps, str(each["sentence"])]))
    return table
