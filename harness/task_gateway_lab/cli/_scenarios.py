"""Shared by `scenario run`, `bugbash` and `e2e`: the options, the clusters, and the run with its report."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from task_gateway.cli.output import Output, emit
from task_gateway.controllers.base import CONTROLLERS, default
from task_gateway.controllers.base import names as controllers
from task_gateway.deferred import Deferred, rich
from task_gateway.errors import UsageError
from task_gateway.model import OPERATOR
from task_gateway_lab.cli._run import chart_file, run_name
from task_gateway_lab.model_bugbash import BugBash, ScenarioResult, Status
from task_gateway_lab.report import bugbash as report
from task_gateway_lab.scenarios import runtime
from task_gateway_lab.scenarios.base import SCENARIOS, Scenario, checklist, in_order
from task_gateway_lab.scenarios.places import FIRST_PORT, MASTER_PORT, PORTS
from task_gateway_lab.scenarios.steps import CompactReporter, Reporter, TerminalReporter

if TYPE_CHECKING:
    from task_gateway import images
    from task_gateway_lab.clusters import ip_family, operator_image
else:
    images, ip_family = Deferred("task_gateway.images"), Deferred("task_gateway_lab.clusters.ip_family")
    operator_image = Deferred("task_gateway_lab.clusters.operator_image")

ParallelOption = Annotated[int, typer.Option("--parallel", help="Number of scenarios to run at once.", min=1)]
ResumeOption = Annotated[
    bool, typer.Option("--resume", help="Only run scenarios that did not pass in the last run of this name.")
]
CONTROLLER = default().name
ControllerOption = Annotated[str, typer.Option(help=f"Gateway controller to install: {', '.join(controllers())}.")]
AgainstOption = Annotated[
    list[str] | None,
    typer.Option(
        help="Context of an existing cluster to use. Repeatable, the cluster of the master first. Default: none."
    ),
]
ImageOption = Annotated[
    str, typer.Option(help="Image of the tasks. Must exist in the clusters of --against. Default: built.")
]
PortOption = Annotated[int, typer.Option("--master-port", help="Port of the stand-in master on its node.")]
FirstPortOption = Annotated[int, typer.Option("--first-port", help=f"First of the {PORTS} ports of each gateway.")]
NUMBERS = ("two", "three", "four")
WITHOUT_WATCHING = 1  # up to this many scenarios at once, each step is printed while it runs


def environment_spec(
    scenarios: Sequence[Scenario],
    name: str,
    chart: Path,
    crds: Path,
    image: str = "",
    controller: str = CONTROLLER,
    against: Sequence[str] = (),
    keep: bool = False,
    master_port: int = MASTER_PORT,
    first_port: int = FIRST_PORT,
    both_families: bool = True,
) -> "runtime.EnvironmentSpec":
    """Return the environment of these scenarios; UsageError if it cannot be created."""
    managers = tuple(dict.fromkeys(manager for each in scenarios for manager in each.managers))
    if against and not 1 < len(against) <= 1 + len(managers):
        count = " or ".join(NUMBERS[: len(managers)])
        hint = f"first the cluster of the master, then up to {len(managers)} for {', '.join(managers)}"
        raise UsageError(f"{count} contexts are required", where="--against", hint=hint)
    run, packages = run_name(name), (chart_file(chart), chart_file(crds))
    labels = not against and any(OPERATOR in each.needs for each in scenarios)
    archive = operator_image.archive(chart.parent) if labels else None
    made = None if image else images.load()
    if made:
        typer.echo(f"images: {made.mode} ({made.reason})", err=True)
    found = runtime.EnvironmentSpec(
        run,
        *packages,
        made.notebook if made else image,
        additional=managers[: len(against) - 1] if against else managers,
        controller=CONTROLLERS.get(controller),
        keep=keep,
        against=tuple(against),
        master_port=master_port,
        first_port=first_port,
        images=made.mode if made else "",
        operator=archive,
    )
    return replace(found, no_ipv6="" if against else ip_family.lacking_ipv6()) if both_families else found


def run_scenarios(
    scenarios: Sequence[Scenario],
    environment: "runtime.Environment",
    reports: Path,
    output: Output,
    *,
    parallel: int = 1,
    resume: bool = False,
    strict: bool = False,
) -> None:
    """Run the scenarios, write the report and print the result; `strict`: a scenario's error ends the run."""
    folder, console, lock = reports / environment.spec.name, rich.console.Console(stderr=True), threading.Lock()
    several = parallel > WITHOUT_WATCHING

    def reporter(each: Scenario) -> Reporter:
        return CompactReporter(console, each.name, lock) if several else TerminalReporter(console)

    def finished(row: ScenarioResult, result: BugBash) -> None:
        report.write(result, folder)
        typer.echo(_line(row), err=True)

    done = _passed(folder / report.RESULT) if resume else {}
    result, failed = runtime.run(
        scenarios, environment, folder, (TerminalReporter(console), reporter), finished, parallel=parallel, done=done
    )
    for file in report.write(result, folder):
        typer.echo(f"report: {file}", err=True)
    emit(report.fields(result), output, lambda _: report.terminal(result))
    if strict:
        failed = failed or next((row.error for row in result.rows if row.error), None)
    if failed is not None and output is not Output.json:
        raise failed
    if not result.passed:
        raise typer.Exit(getattr(failed, "exit_code", 1)) from failed


def chosen(names: Sequence[str], tags: Sequence[str]) -> list[Scenario]:
    """Return the selected scenarios, in the order of their groups; UsageError if one is unknown or none is left."""
    found = [SCENARIOS.get(each) for each in names] if names else in_order() if tags else checklist()
    known = {tag for each in SCENARIOS for tag in each.tags}
    unknown = [tag for tag in tags if tag not in known]
    if unknown:
        raise UsageError(f"no scenario has the tag {', '.join(unknown)}", hint=f"known: {', '.join(sorted(known))}")
    return [each for each in found if not tags or set(tags) & set(each.tags)]


def _passed(file: Path) -> Mapping[str, ScenarioResult]:
    """Return the rows of the last run that passed; UsageError if no last run can be read."""
    try:
        rows = report.read(file.read_text("utf-8"))
    except (OSError, ValueError):
        raise UsageError("no earlier run to resume", where=str(file), hint="omit --resume") from None
    return {row.name: row for row in rows if row.status == Status.PASSED}


def _line(row: ScenarioResult) -> str:
    cause = f": {row.cause}" if row.cause else ""
    return f"{row.status.upper():8} {row.name} ({row.seconds:.0f} s){cause}"
