"""`task-gateway scenario` and `task-gateway bugbash`: play scenarios on real clusters, and make their checklist."""

import json
import os
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from task_gateway.cli.e2e import CHART, CRDS, chart_file, run_name
from task_gateway.cli.output import Output, OutputOption, emit
from task_gateway.clusters import controllers, images
from task_gateway.clusters.controllers import CONTROLLERS, ENVOY_GATEWAY
from task_gateway.errors import UsageError
from task_gateway.model_bugbash import BugBash, Row, Status
from task_gateway.report import bugbash as report
from task_gateway.report.bugbash.files import RESULT
from task_gateway.report.cells import cells
from task_gateway.scenarios.declared import SCENARIOS, Scenario, everyone
from task_gateway.scenarios.e2e import EVIDENCE
from task_gateway.scenarios.product import Product
from task_gateway.scenarios.runner import play_all
from task_gateway.scenarios.steps import Line, Steps, Terminal
from task_gateway.scenarios.world import ADDITIONAL, FIRST_PORT, MASTER_PORT, PORTS, Given, World

app = typer.Typer(no_args_is_help=True, help="Play scenarios of a multi-RM platform on real clusters.")
TagOption = Annotated[list[str] | None, typer.Option("--tag", help="Only scenarios with this tag; may be repeated.")]
NameOption = Annotated[str, typer.Option(help="Names the run, its clusters and its report: a-z, 0-9 and '-'.")]
KeepOption = Annotated[bool, typer.Option("--keep", envvar="KEEP", help="Leave the clusters up at the end.")]
ParallelOption = Annotated[int, typer.Option("--parallel", help="How many scenarios at once.", min=1)]
ResumeOption = Annotated[bool, typer.Option("--resume", help="Play only what the last run of this name did not pass.")]
ChartOption = Annotated[Path, typer.Option(help="The packaged chart; `make charts` makes it.")]
CrdsOption = Annotated[Path, typer.Option(help="The packaged chart of Gateway API's CRDs.")]
ControllerOption = Annotated[str, typer.Option(help=f"The gateway controller: {', '.join(CONTROLLERS)}.")]
AgainstOption = Annotated[
    list[str] | None,
    typer.Option(help="Use this context's cluster, the master's own first; may be repeated. None is made or removed."),
]
ImageOption = Annotated[str, typer.Option(help="The image of tasks; with --against the clusters must have it.")]
PortOption = Annotated[int, typer.Option("--master-port", help="The port of the stand-in master on its node.")]
FirstPortOption = Annotated[int, typer.Option("--first-port", help=f"The first of the {PORTS} ports of each gateway.")]
MasterOption = Annotated[
    str,
    typer.Option(help="Play against the Determined master at this URL; its password: TASK_GATEWAY_MASTER_PASSWORD."),
]
UserOption = Annotated[str, typer.Option("--master-user", help="The user of that master.")]
PoolOption = Annotated[
    list[str] | None, typer.Option(help="MANAGER=POOL: that master's resource pool of a manager; may be repeated.")
]
ReportsOption = Annotated[Path, typer.Option(help="The folder of reports.")]
PASSWORD = "TASK_GATEWAY_MASTER_PASSWORD"
WITHOUT_WATCHING = 1  # scenarios at once, up to which each step is drawn as it goes


def register(root: typer.Typer) -> None:
    """Add the group and the command to the program."""
    root.add_typer(app, name="scenario")
    root.command(epilog="Example: task-gateway bugbash --parallel 3")(bugbash)


@app.command("list", epilog="Example: task-gateway scenario list --tag notebook")
def list_(tag: TagOption = None, output: OutputOption = Output.text) -> None:
    """List the scenarios with what each proves and needs."""
    emit([_plain(each) for each in _chosen((), tag or ())], output, _table)


@app.command(epilog="Example: task-gateway scenario run notebooks_everywhere --keep")
def run(
    names: Annotated[list[str] | None, typer.Argument(help="Scenarios; all if left out.")] = None,
    tag: TagOption = None,
    name: NameOption = "scenarios",
    controller: ControllerOption = ENVOY_GATEWAY,
    against: AgainstOption = None,
    keep: KeepOption = False,
    parallel: ParallelOption = 1,
    resume: ResumeOption = False,
    chart: ChartOption = CHART,
    crds: CrdsOption = CRDS,
    image: ImageOption = "",
    master_port: PortOption = MASTER_PORT,
    first_port: FirstPortOption = FIRST_PORT,
    master: MasterOption = "",
    master_user: UserOption = "determined",
    pool: PoolOption = None,
    reports: ReportsOption = Path("reports"),
    output: OutputOption = Output.text,
) -> None:
    """Play scenarios on clusters of their own and report to REPORTS/NAME/. Exit code 1 if one failed."""
    chosen = _chosen(names or (), tag or ())
    given = _given(name, chart, crds, image, controller, against or (), keep, master_port, first_port)
    world = _product(given, master, master_user, pool or ()) if master else World(given)
    _play(chosen, world, parallel, resume, reports, output)


def bugbash(
    name: NameOption = "bugbash",
    controller: ControllerOption = ENVOY_GATEWAY,
    against: AgainstOption = None,
    keep: KeepOption = False,
    parallel: ParallelOption = 3,
    resume: ResumeOption = False,
    chart: ChartOption = CHART,
    crds: CrdsOption = CRDS,
    image: ImageOption = "",
    master_port: PortOption = MASTER_PORT,
    first_port: FirstPortOption = FIRST_PORT,
    reports: ReportsOption = Path("reports"),
    output: OutputOption = Output.text,
) -> None:
    """Play every scenario and make the checklist: a page to open, a text to paste, JUnit and JSON in REPORTS/NAME/.

    Exit code 1 if a row failed. Rows for a person are there with what to do, and never count as passed.
    """
    given = _given(name, chart, crds, image, controller, against or (), keep, master_port, first_port)
    _play(_chosen((), ()), World(given), parallel, resume, reports, output)


def _given(
    name: str,
    chart: Path,
    crds: Path,
    image: str,
    controller: str,
    against: Sequence[str],
    keep: bool,
    master_port: int,
    first_port: int,
) -> Given:
    """Return what the world is made of; UsageError where that cannot be."""
    additional: tuple[str, ...] = ADDITIONAL
    if against:
        additional = ADDITIONAL[: len(against) - 1]
        if not 1 < len(against) <= 1 + len(ADDITIONAL):
            hint = f"the master's own first, then up to {len(ADDITIONAL)} for {', '.join(ADDITIONAL)}"
            raise UsageError("two or three contexts are needed", where="--against", hint=hint)
    return Given(
        run_name(name),
        chart_file(chart),
        chart_file(crds),
        image or images.load().notebook,
        additional=additional,
        controller=controllers.named(controller),
        keep=keep,
        against=tuple(against),
        master_port=master_port,
        first_port=first_port,
    )


def _product(given: Given, url: str, user: str, pools: Sequence[str]) -> World:
    """Return the world of a Determined master; UsageError without its password, or where a pool cannot be read."""
    password = os.environ.get(PASSWORD)
    if password is None:
        raise UsageError("the master's password is not given", hint=f"export {PASSWORD}=…")
    named = dict(each.split("=", 1) for each in pools if "=" in each)
    if len(named) != len(pools) or not named:
        raise UsageError("each manager needs a resource pool", where="--pool", hint="--pool east=POOL --pool west=POOL")
    return Product(given, url, user, password, named)


def _play(
    scenarios: Sequence[Scenario], world: World, parallel: int, resume: bool, reports: Path, output: Output
) -> None:
    folder, console = reports / world.given.name, Console(stderr=True)
    done = _passed(folder / RESULT) if resume else {}
    began, rows = time.monotonic(), dict(done)
    steps = Steps(Terminal(console))

    def result() -> BugBash:
        known = [rows[each.name] for each in scenarios if each.name in rows]
        return BugBash(world.given.name, time.monotonic() - began, world.versions, tuple(known))

    lock = threading.Lock()
    watcher = (
        (lambda each: Line(console, each.name, lock)) if parallel > WITHOUT_WATCHING else (lambda _: Terminal(console))
    )
    needed = any(each.moves and each.name not in done for each in scenarios)
    with world.standing(steps, folder / EVIDENCE) if needed else nullcontext():
        for row in play_all(scenarios, world, folder, watcher, parallel=parallel, done=done):
            rows[row.name] = row
            report.write(result(), folder)
            typer.echo(_line(row), err=True)
    found = result()
    for file in report.write(found, folder):
        typer.echo(f"report: {file}", err=True)
    emit(json.loads(report.result_json(found)), output, lambda _: _rows(found))
    if not found.passed:
        raise typer.Exit(1)


def _chosen(names: Sequence[str], tags: Sequence[str]) -> list[Scenario]:
    """Return the scenarios asked for, in the order of their groups; UsageError if one is unknown or none is left."""
    found = [SCENARIOS.get(each) for each in names] if names else everyone()
    known = {tag for each in SCENARIOS for tag in each.tags}
    unknown = [tag for tag in tags if tag not in known]
    if unknown:
        raise UsageError(f"no scenario has the tag {', '.join(unknown)}", hint=f"known: {', '.join(sorted(known))}")
    return [each for each in found if not tags or set(tags) & set(each.tags)]


def _passed(file: Path) -> Mapping[str, Row]:
    """Return the rows of the last run that passed; UsageError if there was none that can be read."""
    try:
        rows = report.read(file.read_text("utf-8")).rows
    except (OSError, ValueError, KeyError, TypeError):
        raise UsageError("there is no run to resume", where=str(file), hint="run it without --resume") from None
    return {row.name: row for row in rows if row.status == Status.PASSED}


def _plain(scenario: Scenario) -> dict[str, object]:
    return {
        "name": scenario.name,
        "group": scenario.group,
        "sentence": scenario.sentence,
        "needs": list(scenario.needs),
        "tags": list(scenario.tags),
        "steps": [move.name for move in scenario.moves],
        "person": not scenario.moves,
    }


def _table(found: Sequence[Mapping[str, object]]) -> Table:
    table = Table("NAME", "GROUP", "STEPS", "WHAT IT PROVES", box=None, pad_edge=False)
    for each in found:
        steps = "person" if each["person"] else str(len(list(each["steps"])))  # type: ignore[call-overload]
        table.add_row(*cells([str(each["name"]), str(each["group"]), steps, str(each["sentence"])]))
    return table


def _rows(found: BugBash) -> Table:
    table = Table("NAME", "GROUP", "STATUS", "SECONDS", "CAUSE", box=None, pad_edge=False)
    for row in found.rows:
        table.add_row(*cells([row.name, row.group, str(row.status), f"{row.seconds:.0f}", row.cause]))
    return table


def _line(row: Row) -> str:
    cause = f": {row.cause}" if row.cause else ""
    return f"{row.status.upper():8} {row.name} ({row.seconds:.0f} s){cause}"
