"""What `scenario run` and `bugbash` have in common: the options of both, the clusters, and the run with its report."""

import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from task_gateway.cli._run import chart_file, run_name
from task_gateway.cli.output import Output, emit
from task_gateway.clusters import controllers, images
from task_gateway.clusters.controllers import CONTROLLERS
from task_gateway.clusters.ip_family import lacking_ipv6
from task_gateway.deferred import rich
from task_gateway.errors import UsageError
from task_gateway.model_bugbash import BugBash, Row, Status
from task_gateway.report import bugbash as report
from task_gateway.report import cells
from task_gateway.scenarios.declared import SCENARIOS, Scenario, everyone
from task_gateway.scenarios.e2e import EVIDENCE
from task_gateway.scenarios.runner import play_all
from task_gateway.scenarios.steps import Line, Steps, Terminal
from task_gateway.scenarios.world import ADDITIONAL, PORTS, Given, World

ParallelOption = Annotated[int, typer.Option("--parallel", help="How many scenarios at once.", min=1)]
ResumeOption = Annotated[bool, typer.Option("--resume", help="Play only what the last run of this name did not pass.")]
ControllerOption = Annotated[str, typer.Option(help=f"The gateway controller: {', '.join(CONTROLLERS)}.")]
AgainstOption = Annotated[
    list[str] | None,
    typer.Option(help="Use this context's cluster, the master's own first; may be repeated. None is made or removed."),
]
ImageOption = Annotated[str, typer.Option(help="The image of tasks; with --against the clusters must have it.")]
PortOption = Annotated[int, typer.Option("--master-port", help="The port of the stand-in master on its node.")]
FirstPortOption = Annotated[int, typer.Option("--first-port", help=f"The first of the {PORTS} ports of each gateway.")]
WITHOUT_WATCHING = 1  # scenarios at once, up to which each step is drawn as it goes


def given(
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
        no_ipv6="" if against else lacking_ipv6(),
    )


def play(
    scenarios: Sequence[Scenario], world: World, parallel: int, resume: bool, reports: Path, output: Output
) -> None:
    folder, console = reports / world.given.name, rich.console.Console(stderr=True)
    done = _passed(folder / report.RESULT) if resume else {}
    began, rows = time.monotonic(), dict(done)
    steps = Steps(Terminal(console))

    def result() -> BugBash:
        known = [rows[each.name] for each in scenarios if each.name in rows]
        return BugBash(world.given.name, round(time.monotonic() - began, 3), world.versions, tuple(known))

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
    emit(report.fields(found), output, lambda _: _rows(found))
    if not found.passed:
        raise typer.Exit(1)


def chosen(names: Sequence[str], tags: Sequence[str]) -> list[Scenario]:
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
    except (OSError, ValueError):
        raise UsageError("there is no run to resume", where=str(file), hint="run it without --resume") from None
    return {row.name: row for row in rows if row.status == Status.PASSED}


def _rows(found: BugBash) -> "rich.table.Table":
    table = rich.table.Table("NAME", "GROUP", "STATUS", "SECONDS", "CAUSE", box=None, pad_edge=False)
    for row in found.rows:
        table.add_row(*cells.cells([row.name, row.group, str(row.status), f"{row.seconds:.0f}", row.cause]))
    return table


def _line(row: Row) -> str:
    cause = f": {row.cause}" if row.cause else ""
    return f"{row.status.upper():8} {row.name} ({row.seconds:.0f} s){cause}"
