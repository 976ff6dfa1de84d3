"""The performance targets, and whether the figures reach them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from task_gateway.controllers.base import Controller, in_order
from task_gateway.model import OPERATOR
from task_gateway_lab.bench.endpoints_rate import DEFAULT
from task_gateway_lab.model_bench import BurstRecord, BurstReport, ExposeRecord, ExposeReport, OperatorReport
from task_gateway_lab.report.bench_text import alone

HEAD = ("Target", "Measured", "Reached")
MEDIAN_SECONDS, P99_SECONDS, GROWTH = 0.050, 0.250, 1.3
SMALL, LARGE = 63, 1000
TIMES_FASTER, LISTENERS = 50, 180
BURST_TASKS, BURST_SECONDS, OPERATOR_BURST_SECONDS = 100, 2.0, 1.5
READY_SECONDS, MEMORY_MIB = 2.0, 120


@dataclass(frozen=True)
class BenchTarget:
    """One target; `reached` is None if it was not measured."""

    aim: str
    measured: str
    reached: bool | None


def targets(expose: ExposeReport, burst: BurstReport, starts: OperatorReport | None = None) -> list[BenchTarget]:
    """Return all targets with the measured figures; those of the start of the operator only with `starts`."""
    records = alone(expose.records)
    operator = [each for each in records if each.strategy == OPERATOR]
    slots = [each for each in records if each.slots and each not in operator]
    close = [each for each in expose.records if each.slots and each not in records and each.strategy != OPERATOR]
    bursts = [each for each in burst.records if each.tasks == BURST_TASKS and each.slots]
    best = best_controller(slots)
    return [
        _writes(slots),
        *_first_byte(slots, close, best),
        *(target for each in in_order() for target in _goals(slots, each, "first byte", each.bench.goals)),
        _faster(records, slots, best),
        *(_burst(each) for each in bursts if each.strategy != OPERATOR),
        *(target for each in in_order() for target in _operator(operator, each)),
        *_operator_bursts([each for each in bursts if each.strategy == OPERATOR]),
        *_starts(starts or OperatorReport()),
    ]


def rows(found: Iterable[BenchTarget]) -> list[list[str]]:
    """Return the cells of one row for each target."""
    words = {True: "yes", False: "**no**", None: "not measured"}
    return [[each.aim, each.measured, words[each.reached]] for each in found]


def best_controller(slots: Sequence[ExposeRecord]) -> str:
    """Return the controller that is fastest with the most tasks exposed, empty if nothing was measured."""
    most = max((each.active for each in slots), default=0)
    at_most = [each for each in slots if each.active == most]
    return min(at_most, key=lambda each: each.ready_seconds.median).controller if at_most else ""


def _writes(slots: Sequence[ExposeRecord]) -> BenchTarget:
    aim = "slots: one API write per claimed port"
    if not slots:
        return BenchTarget(aim, "", None)
    most = max(each.api_writes for each in slots)
    return BenchTarget(aim, f"at most {most:g} on average", most == 1)


def _first_byte(slots: Sequence[ExposeRecord], close: Sequence[ExposeRecord], best: str) -> list[BenchTarget]:
    at, busy = _at(slots, best, LARGE), _at(close, best, LARGE)
    quick = f"first byte with {LARGE:,} tasks exposed, fastest controller: at most {MEDIAN_SECONDS * 1000:.0f} ms, "
    quick += f"p99 {P99_SECONDS * 1000:.0f} ms"
    flat = f"first byte with {LARGE:,} tasks exposed, fastest controller: at most {GROWTH} times that with 10"
    if at is None:
        return [BenchTarget(quick, "", None), BenchTarget(flat, "", None)]
    first = at.ready_seconds
    measured = f"{best}: {_quick(at)}{f'; {_quick(busy)}, {_apart(busy)}' if busy else ''}"
    found = [BenchTarget(quick, measured, first.median <= MEDIAN_SECONDS and first.p99 <= P99_SECONDS)]
    few = _at(slots, best, 10)
    if few is None:
        return [*found, BenchTarget(flat, "", None)]
    growth, few_busy = _times(at, few), _at(close, best, 10)
    measured = f"{growth:.2f} times"
    if busy and few_busy:
        measured += f"; {_times(busy, few_busy):.2f} times, {_apart(busy)}"
    return [*found, BenchTarget(flat, measured, growth <= GROWTH)]


def _times(slow: ExposeRecord, fast: ExposeRecord) -> float:
    return slow.ready_seconds.median / fast.ready_seconds.median


def _quick(record: ExposeRecord) -> str:
    return f"{record.ready_seconds.median * 1000:.0f} ms, p99 {record.ready_seconds.p99 * 1000:.0f} ms"


def _apart(record: ExposeRecord) -> str:
    return f"with {record.pause_seconds:g} s between a release and the next claim"


def _operator(records: Sequence[ExposeRecord], controller: Controller) -> list[BenchTarget]:
    found = _goals(records, controller, "operator: label to first byte", controller.bench.operator_goals)
    aim = f"operator: label to first byte on {controller.title} with {LARGE:,} tasks exposed: at most {GROWTH} times "
    aim += "that with 10"
    at, few = (_at(records, controller.name, size) for size in (LARGE, 10))
    if at is None or few is None:
        return [*found, BenchTarget(aim, "", None)]
    growth = _times(at, few)
    return [*found, BenchTarget(aim, f"{growth:.2f} times", growth <= GROWTH)]


def _operator_bursts(records: Sequence[BurstRecord]) -> Iterator[BenchTarget]:
    """Yield the targets for bursts with the limits on endpoints that a cluster has without flags."""
    aim = f"operator: {BURST_TASKS} pods labelled at once answer within {OPERATOR_BURST_SECONDS:g} s with the default "
    aim += "limits of Kubernetes"
    measured = [each for each in records if (each.endpoints_qps, each.endpoints_burst) == DEFAULT]
    yield from (_within(each, aim, OPERATOR_BURST_SECONDS) for each in measured)
    if not measured:
        yield BenchTarget(aim, "", None)


def _starts(report: OperatorReport) -> Iterator[BenchTarget]:
    """Yield the targets for the start with the most pods."""
    for most in sorted(report.records, key=lambda each: each.pods)[-1:]:
        aim = (
            f"operator: ready within {READY_SECONDS:g} s, and at most {MEMORY_MIB} MiB, with {most.pods:,} pods exposed"
        )
        measured = f"{most.ready_seconds.median:.2f} s, longest {most.ready_seconds.p99:.2f} s; {most.memory_mib} MiB"
        yield BenchTarget(aim, measured, most.ready_seconds.p99 <= READY_SECONDS and most.memory_mib <= MEMORY_MIB)
        aim = "operator: only writes its Lease while nothing changes"
        measured = f"{most.idle_writes} other writes in {most.idle_seconds:g} s"
        yield BenchTarget(aim, measured, most.idle_writes == 0)


def _goals(
    records: Sequence[ExposeRecord], controller: Controller, what: str, goals: Mapping[int, float]
) -> list[BenchTarget]:
    found = []
    for size, seconds in goals.items():
        at = _at(records, controller.name, size)
        aim = f"{what} on {controller.title} with {size:,} tasks exposed: at most {seconds * 1000:.0f} ms"
        if at is None:
            found.append(BenchTarget(aim, "", None))
        else:
            measured = f"{at.ready_seconds.median * 1000:.0f} ms with {at.slots:,} slots"
            found.append(BenchTarget(aim, measured, at.ready_seconds.median <= seconds))
    return found


def _faster(records: Sequence[ExposeRecord], slots: Sequence[ExposeRecord], best: str) -> BenchTarget:
    aim = f"slots at least {TIMES_FASTER} times as fast as listeners, with {LISTENERS} or more tasks exposed"
    many = [each for each in records if not each.slots and each.active >= LISTENERS]
    slow = [each for each in many if each.active == LISTENERS]
    fast = [each for each in slots if each.controller == best and each.active >= LISTENERS]
    if not slow or not fast:
        return BenchTarget(aim, "", None)
    one, other = fast[0], min(slow, key=lambda each: each.ready_seconds.median)
    measured = f"{_slower(other, one)}, {one.ready_seconds.median:.3f} s with slots on {best}"
    others = [f"; {_slower(each, one)} with {each.active:,}" for each in many if each not in slow]
    return BenchTarget(aim, measured + "".join(others), _times(other, one) >= TIMES_FASTER)


def _slower(slow: ExposeRecord, fast: ExposeRecord) -> str:
    return f"{_times(slow, fast):.0f} times: {slow.ready_seconds.median:.2f} s on {slow.controller}"


def _burst(record: BurstRecord) -> BenchTarget:
    aim = f"{record.tasks} simultaneous claims answer within {BURST_SECONDS:g} s, each on its own port"
    return _within(record, aim, BURST_SECONDS)


def _within(record: BurstRecord, aim: str, seconds: float) -> BenchTarget:
    measured = f"{record.controller}, {record.slots:,} slots, {record.endpoints_qps} endpoints per second: "
    measured += f"{record.ready_seconds.median:.2f} s, worst {record.worst_seconds:.2f} s, {record.ports} ports"
    return BenchTarget(aim, measured, record.worst_seconds <= seconds and record.ports == record.tasks)


def _at(records: Sequence[ExposeRecord], controller: str, size: int) -> ExposeRecord | None:
    return next((each for each in records if (each.controller, each.active) == (controller, size)), None)
