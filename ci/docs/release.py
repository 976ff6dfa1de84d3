"""The five figures of the release notes, and missed targets, from the records that the other pages show in full."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

from docs import bench_targets
from docs.reliability import Fault
from task_gateway.model import OPERATOR, ManagerLimits
from task_gateway.report.cells import number
from task_gateway_lab.model_bench import BurstRecord, BurstReport, DataplaneReport, ExposeRecord, ExposeReport
from task_gateway_lab.report.bench_text import alone, ms
from task_gateway_lab.report.markdown_text import table

HEAD = ("What", "Figure", "More")
PERFORMANCE = "[Performance](performance.md)"
Row = list[str]
R = TypeVar("R", ExposeRecord, BurstRecord)


def figures(
    expose: ExposeReport,
    burst: BurstReport,
    dataplane: DataplaneReport,
    ladders: Sequence[ManagerLimits],
    faults: Sequence[Fault],
) -> str:
    """Return the table of figures, each with the page that explains it; a figure that was not measured has no row."""
    rows = [*_first_byte(expose), *_burst(burst), *_connection(dataplane), *_fits(ladders), *_held(faults)]
    measured = ", ".join(f"{name} {version}" for name, version in sorted(expose.versions.items()))
    found = table(HEAD, rows, plain=range(len(HEAD)))
    return f"{found}\n\nMilliseconds are medians, with the 99th percentile in brackets. Measured with {measured}."


def shortfalls(expose: ExposeReport, burst: BurstReport, faults: Sequence[Fault]) -> str:
    """Return a list of the targets that are not reached, and of the faults after which something does not hold."""
    missed = [each for each in bench_targets.targets(expose, burst) if not each.reached]
    lines = [f"- {_sentence(each.aim)}. Measured: {each.measured or 'nothing'}." for each in missed]
    broken = [each for each in faults if not each.holds]
    lines += [f"- `{each.test.rpartition('::')[2]}` in [Reliability](reliability.md) {each.result}." for each in broken]
    return "\n".join(lines) if lines else "Nothing."


def _first_byte(report: ExposeReport) -> Iterator[Row]:
    """Yield the first byte with the most tasks exposed, in the most slots that were measured, by each way to claim."""
    for start, _, found in _by_start([each for each in alone(report.records) if each.slots]):
        largest = max((each.slots, each.active) for each in found)
        figure = [
            f"{each.controller} {ms(each.ready_seconds)} ms" for each in found if (each.slots, each.active) == largest
        ]
        what = f"from {start} to the first byte of the task, {largest[1]:,} tasks exposed, {largest[0]:,} slots"
        yield [what, "; ".join(figure), PERFORMANCE]


def _burst(report: BurstReport) -> Iterator[Row]:
    """Yield the largest burst in the most slots, with Kubernetes' own limit on endpoints, the lowest measured."""
    if not report.records:
        return
    lowest = min(each.endpoints_qps for each in report.records)
    for _, starts, found in _by_start([each for each in report.records if each.endpoints_qps == lowest]):
        tasks, slots = max((each.tasks, each.slots) for each in found)
        figure = [
            f"{each.controller} {each.ready_seconds.median:.1f} s, worst {each.worst_seconds:.1f} s"
            for each in found
            if (each.tasks, each.slots) == (tasks, slots)
        ]
        what = f"until {tasks} {starts} all answer, {slots:,} slots, {lowest} endpoints per second"
        yield [what, "; ".join(figure), PERFORMANCE]


def _by_start(records: Sequence[R]) -> Iterator[tuple[str, str, list[R]]]:
    """Yield the records of each way to claim slots, after what its time starts with: one, and many of them at once."""
    operator = [each for each in records if each.strategy == OPERATOR]
    others = [each for each in records if each not in operator]
    if others:
        yield "a claim", "simultaneous claims", others
    if operator:
        yield "a pod's label", "pods labelled at once", operator


def _connection(report: DataplaneReport) -> Iterator[Row]:
    paths = {path: [each for each in report.records if each.path == path] for path in ("gateway", "pod")}
    figure = [
        f"{through.controller} {ms(through.connect_seconds)} ms, direct {ms(direct.connect_seconds)} ms"
        for through in paths["gateway"]
        for direct in paths["pod"]
        if through.controller == direct.controller
    ]
    if figure:
        yield ["a new connection through the gateway, and directly to the pod", "; ".join(figure), PERFORMANCE]


def _fits(ladders: Sequence[ManagerLimits]) -> Iterator[Row]:
    figure = [f"`{each.strategy}` {number(each.capacity)}, bound by `{each.binding}`" for each in ladders]
    if figure:
        yield ["tasks that fit with the defaults", "; ".join(figure), "[Limits](limits.md)"]


def _held(faults: Sequence[Fault]) -> Iterator[Row]:
    good = sum(each.holds for each in faults)
    cases = sum(len(each.outcomes) for each in faults)
    figure = f"{good} of {len(faults)}, in {cases} cases"
    yield ["injected faults after which all guarantees hold", figure, "[Reliability](reliability.md)"]


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]
