"""Measure what exposing tasks costs."""

from pathlib import Path
from typing import Annotated

import typer

from task_gateway import records
from task_gateway.cli.output import Output, OutputOption, emit, say
from task_gateway.errors import UsageError
from task_gateway.routing.strategies.base import default
from task_gateway.version import __version__
from task_gateway_lab.bench import burst, combos, crd_write, dataplane, expose
from task_gateway_lab.bench.stand import Charts
from task_gateway_lab.cli._run import chart_file
from task_gateway_lab.model_bench import ExposeReport, Report
from task_gateway_lab.report import bench_plot, bench_text

app = typer.Typer(no_args_is_help=True, help=__doc__)
DIST = Path("dist")
ControllerOption = Annotated[list[str] | None, typer.Option(help="Only this controller; may be repeated.")]
StrategyOption = Annotated[list[str] | None, typer.Option(help="Only this strategy; may be repeated.")]
RecordOption = Annotated[Path | None, typer.Option(help="Write the record as JSON into this folder, made if need be.")]
DistOption = Annotated[Path, typer.Option(help="The folder of the packaged charts; `make charts` makes them.")]


def register(root: typer.Typer) -> None:
    """Add the group to the program."""
    root.add_typer(app, name="bench")


@app.command(
    "expose", epilog="Example: task-gateway bench expose --strategy slots --active 10,1000 --record reports/bench"
)
def expose_(
    controller: ControllerOption = None,
    strategy: StrategyOption = None,
    active: Annotated[
        str, typer.Option(help="Numbers of tasks in place, as in 10,100; all declared if left out.")
    ] = "",
    samples: Annotated[int | None, typer.Option(help="Samples of each; as declared if left out.", min=1)] = None,
    record: RecordOption = None,
    dist: DistOption = DIST,
    output: OutputOption = Output.text,
) -> None:
    """Measure one task more with others in place: requests, and seconds to the first byte and until it is refused.

    A cluster for each controller comes up, one after the other. Exit code 1 if a port ever leads to another task.
    """
    wanted = combos.chosen(controller or [], strategy or [], _numbers(active), samples)
    measured = ExposeReport()
    for measured in expose.measure(wanted, _charts(dist), say=say):  # an hour's work: what is done is kept
        _keep(measured, record, "expose")
    for file in bench_plot.draw(measured, record) if record else ():
        say(f"plot: {file}")
    emit(measured, output, bench_text.exposed)


@app.command(
    "burst", epilog="Example: task-gateway bench burst --controller contour --tasks 100 --record reports/bench"
)
def burst_(
    controller: ControllerOption = None,
    strategy: StrategyOption = None,
    tasks: Annotated[
        int, typer.Option(help="Tasks exposed at once, each by a thread of its own.", min=1)
    ] = burst.TASKS,
    rounds: Annotated[int, typer.Option(help="How often.", min=1)] = burst.ROUNDS,
    record: RecordOption = None,
    dist: DistOption = DIST,
    output: OutputOption = Output.text,
) -> None:
    """Measure many tasks exposed at once: seconds until the last answers, and whether each has a port of its own.

    With the cluster's own limit on writes of endpoints, and with it raised. Slots alone, unless a strategy is named.
    """
    wanted = combos.bursts(controller or [], strategy or [], tasks)
    measured = burst.measure(wanted, tasks, rounds, _charts(dist), say=say)
    _keep(measured, record, "burst")
    emit(measured, output, bench_text.bursts)


@app.command("dataplane", epilog="Example: task-gateway bench dataplane --controller envoy-gateway -o json")
def dataplane_(
    controller: ControllerOption = None,
    samples: Annotated[
        int, typer.Option(help="New connections, and as many round trips, in each of five rounds.", min=1)
    ] = dataplane.SAMPLES,
    record: RecordOption = None,
    dist: DistOption = DIST,
    output: OutputOption = Output.text,
) -> None:
    """Measure what Envoy adds: one pod by its own address and by the gateway's, dialled from another pod."""
    wanted = combos.installations(controller or [], [default()], 1)
    measured = dataplane.measure(wanted, _charts(dist), samples=samples, say=say)
    _keep(measured, record, "dataplane")
    emit(measured, output, bench_text.paths)


@app.command("crd-write", epilog="Example: task-gateway bench crd-write -o json")
def crd_write_(record: RecordOption = None, output: OutputOption = Output.text) -> None:
    """Measure what a write of a Gateway costs with upstream's rules, with our policy, and with neither.

    On a control plane of its own, which is removed again.
    """
    measured = crd_write.measure(say=say)
    _keep(measured, record, "crd-write")
    emit(measured, output, bench_text.crd_writes)


def _numbers(text: str) -> list[int]:
    try:
        return [int(each) for each in text.split(",") if each]
    except ValueError:
        raise UsageError(f"{text!r} is no list of numbers", hint="--active 10,100,1000") from None


def _charts(dist: Path) -> Charts:
    names = ("internal-task-gateway", "gateway-api-crds")
    return Charts(*(chart_file(dist / f"{name}-{__version__}.tgz") for name in names))


def _keep(measured: Report, folder: Path | None, name: str) -> None:
    if folder is not None:
        say(f"record: {records.save(measured, folder / f'{name}.json')}")
