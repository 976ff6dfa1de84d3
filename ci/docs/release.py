"""The figures of a release and what falls short in it, from the records that the other pages show in full."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from docs import bench_targets
from docs.reliability import Fault
from task_gateway.model import ManagerLimits
from task_gateway_lab.model_bench import BurstReport, DataplaneReport, ExposeRecord, ExposeReport
from task_gateway_lab.report.bench_text import alone, ms
from task_gateway_lab.report.markdown_text import table

HEAD = ("What", "Figure", "More")
PERFORMANCE = "[Performance](performance.md)"
Row = list[str]


def figures(
    expose: ExposeReport,
    burst: BurstReport,
    dataplane: DataplaneReport,
    ladders: Sequence[ManagerLimits],
    faults: Sequence[Fault],
    run: Mapping[str, Any],
) -> str:
    """Return the table of figures, each with the page that explains it."""
    rows = [*_first_bytes(expose), *_bursts(burst), *_paths(dataplane), *_fits(ladders), *_held(faults), _played(run)]
    versions = {**expose.versions, **run["versions"]}
    measured = ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))
    found = table(HEAD, rows, plain=range(len(HEAD)))
    return f"{found}\n\nMilliseconds are medians, with the 99th percentile in brackets. With {measured}."


def shortfalls(expose: ExposeReport, burst: BurstReport, faults: Sequence[Fault]) -> str:
    """Return a list of what was aimed at and is not reached, and of what does not hold."""
    missed = [each for each in bench_targets.targets(expose, burst) if not each.reached]
    lines = [f"- {_sentence(each.aim)}; measured: {each.measured or 'nothing'}." for each in missed]
    broken = [each for each in faults if not each.holds]
    lines += [f"- `{each.test.rpartition('::')[2]}` of [Reliability](reliability.md) {each.result}." for each in broken]
    return "\n".join(lines) if lines else "Nothing."


def _first_bytes(report: ExposeReport) -> Iterator[Row]:
    records = alone(report.records)
    for controller in dict.fromkeys(each.controller for each in records):
        slots = [each for each in records if each.controller == controller and each.slots]
        for each in _ends(slots):
            what = f"from a claim to the task's first byte, {controller}, {each.active:,} tasks in {each.slots:,} slots"
            yield [what, f"{ms(each.ready_seconds)} ms", PERFORMANCE]


def _ends(records: Sequence[ExposeRecord]) -> list[ExposeRecord]:
    """Return the record with the fewest tasks and the one with the most, among those with the most slots."""
    most = max((each.slots for each in records), default=0)
    among = sorted((each for each in records if each.slots == most), key=lambda each: each.active)
    return [among[0], among[-1]] if len(among) > 1 else among


def _bursts(report: BurstReport) -> Iterator[Row]:
    for each in report.records:
        what = f"{each.tasks} claims at once, all answered, {each.controller}, {each.slots:,} slots, "
        what += f"{each.endpoints_qps} endpoints a second"
        figure = f"{each.ready_seconds.median:.1f} s, worst {each.worst_seconds:.1f} s"
        yield [what, figure, PERFORMANCE]


def _paths(report: DataplaneReport) -> Iterator[Row]:
    for each in report.records:
        what = f"a new connection, and one stream, by {each.path}, {each.controller}"
        figure = f"{ms(each.connect_seconds)} ms, {each.mib_per_second:,.0f} MiB/s"
        yield [what, figure, PERFORMANCE]


def _fits(ladders: Sequence[ManagerLimits]) -> Iterator[Row]:
    for each in ladders:
        figure = f"{each.capacity}, bound by `{each.binding}`"
        yield [f"tasks that fit as installed, strategy `{each.strategy}`", figure, "[Limits](limits.md)"]


def _held(faults: Sequence[Fault]) -> Iterator[Row]:
    good = sum(each.holds for each in faults)
    cases = sum(len(each.outcomes) for each in faults)
    figure = f"{good} of {len(faults)}, in {cases} cases"
    yield ["faults caused on purpose after which all holds", figure, "[Reliability](reliability.md)"]


def _played(run: Mapping[str, Any]) -> Row:
    figure = f"{'passed' if run['passed'] else '**failed**'} in {run['seconds']:.0f} s"
    return ["two clusters and a notebook in each, up and down: `make e2e`", figure, "[Quick start](quick-start.md)"]


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]
