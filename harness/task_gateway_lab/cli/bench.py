"""Measure what exposing tasks costs."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from task_gateway import records
from task_gateway.cli._commands import Group
from task_gateway.cli.output import Output, OutputOption, emit, say
from task_gateway.errors import UsageError
from task_gateway.routing.strategies.base import default
from task_gateway.version import __version__
from task_gateway_lab.bench import burst, combos, compare, crd_write, dataplane, expose, operator_start, scale
from task_gateway_lab.bench.bench_cluster import Charts
from task_gateway_lab.bench.combos import Combo
from task_gateway_lab.cli._run import chart_file
from task_gateway_lab.clusters import operator_image
from task_gateway_lab.model_bench import BurstReport, ExposeReport, OperatorReport, PeerReport, Report, ScaleReport
from task_gateway_lab.report import bench_plot, bench_text, peer_text

app = typer.Typer(cls=Group, no_args_is_help=True, help=__doc__)
DIST = Path("dist")
R = TypeVar("R", bound=Report)
ControllerOption = Annotated[list[str] | None, typer.Option(help="Only measure this controller. Repeatable.")]
StrategyOption = Annotated[
    list[str] | None, typer.Option(help="Only measure this strategy: slots, operator, … Repeatable.")
]
RecordOption = Annotated[Path | None, typer.Option(help="Also write the result to this folder, as JSON.")]
DistOption = Annotated[
    Path, typer.Option(help="Folder of the charts and the operator's image, from `make charts image`.")
]


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
        str, typer.Option(help="Numbers of exposed tasks to measure at, e.g. 10,100. Default: all declared.")
    ] = "",
    samples: Annotated[int | None, typer.Option(help="Samples per measurement. Default: as declared.", min=1)] = None,
    record: RecordOption = None,
    dist: DistOption = DIST,
    output: OutputOption = Output.text,
) -> None:
    """Measure exposing one more task.

    With other tasks in place: API requests, seconds until the first byte, and seconds until connections are refused
    after the release. With the operator, time starts with the write of the label. Creates one cluster per controller,
    one after the other. Exit code 1 if a port ever reaches another task.
    """
    wanted = combos.chosen(controller or [], strategy or [], _numbers(active), samples)
    reports = expose.measure(wanted, _charts(dist, wanted), say=say)
    measured = _last(ExposeReport(), reports, record, "expose")
    for file in bench_plot.draw(measured, record) if record else ():
        say(f"plot: {file}")
    emit(measured, output, bench_text.exposed)


@app.command(
    "burst", epilog="Example: task-gateway bench burst --controller contour --tasks 100 --record reports/bench"
)
def burst_(
    controller: ControllerOption = None,
    strategy: StrategyOption = None,
    tasks: Annotated[int, typer.Option(help="Tasks to expose at once, each in its own thread.", min=1)] = burst.TASKS,
    rounds: Annotated[int, typer.Option(help="Number of rounds.", min=1)] = burst.ROUNDS,
    record: RecordOption = None,
    dist: DistOption = DIST,
    output: OutputOption = Output.text,
) -> None:
    """Measure exposing many tasks at once.

    Seconds until the last task is reachable, and whether each task has its own port. With the cluster's default rate
    limit on endpoint writes, and with a raised one. Default strategies: slots and operator.
    """
    wanted = combos.bursts(controller or [], strategy or [], tasks)
    reports = burst.measure(wanted, tasks, rounds, _charts(dist, wanted), say=say)
    measured = _last(BurstReport(), reports, record, "burst")
    emit(measured, output, bench_text.bursts)


@app.command("dataplane", epilog="Example: task-gateway bench dataplane --controller envoy-gateway -o json")
def dataplane_(
    controller: ControllerOption = None,
    samples: Annotated[
        int, typer.Option(help="New connections and round trips in each of five rounds.", min=1)
    ] = dataplane.SAMPLES,
    record: RecordOption = None,
    dist: DistOption = DIST,
    output: OutputOption = Output.text,
) -> None:
    """Measure the latency that Envoy adds.

    Connects from one pod to another: directly, and through the gateway.
    """
    wanted = combos.installations(controller or [], [default()], 1)
    measured = dataplane.measure(wanted, _charts(dist, wanted), samples=samples, say=say)
    _keep(measured, record, "dataplane")
    emit(measured, output, bench_text.paths)


@app.command("peers", epilog="Example: task-gateway bench peers --controller contour --rounds 1 -o json")
def peers_(
    controller: ControllerOption = None,
    rounds: Annotated[int, typer.Option(help="Number of rounds. Each measures all ways.", min=1)] = compare.ROUNDS,
    record: RecordOption = None,
    dist: DistOption = DIST,
    output: OutputOption = Output.text,
) -> None:
    """Compare slots with other ways to reach tasks.

    kubectl port-forward, configurable-http-proxy, and a Service of type NodePort or LoadBalancer for each task, in the
    same cluster as a slot: seconds from start to first byte, new connections, round trips, throughput, API writes, and
    what the restart of a component in between cuts. A way that the cluster does not have is listed with its reason.
    """
    wanted = combos.installations(controller or [], [default()], 1)
    reports = compare.measure(wanted, _charts(dist, wanted), compare.Amount(rounds=rounds), say=say)
    measured = _last(PeerReport(), reports, record, "peers")
    emit(measured, output, peer_text.peers)


@app.command("crd-write", epilog="Example: task-gateway bench crd-write -o json")
def crd_write_(record: RecordOption = None, output: OutputOption = Output.text) -> None:
    """Measure the cost of writing a Gateway.

    With the upstream CEL rules, with the admission policy of this project, and with neither. Uses a temporary control
    plane.
    """
    measured = crd_write.measure(say=say)
    _keep(measured, record, "crd-write")
    emit(measured, output, bench_text.crd_writes)


@app.command("operator", epilog="Example: task-gateway bench operator --pods 0,4000 -o json")
def operator_(
    pods: Annotated[str, typer.Option(help="Numbers of exposed pods to start with, e.g. 0,1000.")] = ",".join(
        map(str, operator_start.PODS)
    ),
    rounds: Annotated[int, typer.Option(help="Number of starts with each.", min=1)] = operator_start.ROUNDS,
    record: RecordOption = None,
    dist: DistOption = DIST,
    output: OutputOption = Output.text,
) -> None:
    """Measure the start of the operator.

    With pods that are exposed: seconds and CPU time until it is ready, memory, and the requests that it sends while
    nothing changes. Uses a temporary control plane with 4,000 slots.
    """
    counts = _numbers(pods, "--pods 0,1000")
    if not counts or min(counts) < 0 or max(counts) > operator_start.SLOTS:
        raise UsageError(f"pods: 0 to {operator_start.SLOTS:,}, not {pods}", hint="--pods 0,1000")
    amount = operator_start.Amount(counts, rounds)
    reports = operator_start.measure(_charts(dist, ()), amount, say=say)
    measured = _last(OperatorReport(), reports, record, "operator")
    emit(measured, output, bench_text.operators)


@app.command("scale", epilog="Example: task-gateway bench scale --controller contour --releases 2 -o json")
def scale_(
    controller: ControllerOption = None,
    strategy: Annotated[str, typer.Option(help="slots or operator.")] = "slots",
    releases: Annotated[int, typer.Option(help="Releases of the chart.", min=1)] = scale.Amount.releases,
    slots: Annotated[int, typer.Option(help="Slots of each release.", min=1)] = scale.Amount.slots,
    tasks: Annotated[int, typer.Option(help="Tasks that are exposed in each release.", min=1)] = scale.Amount.tasks,
    record: RecordOption = None,
    dist: DistOption = DIST,
    output: OutputOption = Output.text,
) -> None:
    """Measure thousands of slots.

    Installs several releases in one cluster, each with its own Gateway, and fills each with tasks. After each release,
    measures one more task: seconds until the first byte, and until connections are refused after the release. Each
    task must be answered by its own pod, otherwise the exit code is 1.
    """
    amount = scale.Amount(releases, slots, tasks)
    wanted = combos.releases(controller or [], strategy, slots, tasks)
    reports = scale.measure(wanted, _charts(dist, wanted), amount, say=say)
    measured = _last(ScaleReport(), reports, record, "scale")
    emit(measured, output, bench_text.scales)


def _numbers(text: str, example: str = "--active 10,100,1000") -> list[int]:
    try:
        return [int(each) for each in text.split(",") if each]
    except ValueError:
        raise UsageError(f"{text!r} is not a list of numbers", hint=example) from None


def _charts(dist: Path, wanted: Sequence[Combo]) -> Charts:
    names = ("internal-task-gateway", "gateway-api-crds")
    gateway, crds = (chart_file(dist / f"{name}-{__version__}.tgz") for name in names)
    return Charts(gateway, crds, operator_image.archive(dist) if any(each.way.by_label for each in wanted) else None)


def _last(measured: R, reports: Iterable[R], folder: Path | None, name: str) -> R:
    """Return the last of the reports, or `measured` without one. A run takes long, so the file has each of them."""
    for measured in reports:
        _keep(measured, folder, name)
    return measured


def _keep(measured: Report, folder: Path | None, name: str) -> None:
    if folder is not None:
        say(f"record: {records.save(measured, folder / f'{name}.json')}")
