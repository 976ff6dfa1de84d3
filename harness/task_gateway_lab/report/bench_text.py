"""Renders measurements as tables for a terminal and for a page."""

from collections.abc import Mapping, Sequence

from rich.table import Table

from task_gateway.report.cells import cells
from task_gateway.spread import Spread
from task_gateway_lab.model_bench import (
    BurstRecord,
    BurstReport,
    CrdWriteRecord,
    CrdWriteReport,
    DataplaneReport,
    ExposeRecord,
    ExposeReport,
    OperatorRecord,
    OperatorReport,
    PathRecord,
    ScaleRecord,
    ScaleReport,
)

Rows = list[list[str]]

EXPOSE_HEAD = (
    "Controller", "Strategy", "Slots built", "Tasks in place", "Pause, s", "Samples", "Writes", "API, ms",
    "First byte, ms", "Refused, ms", "API server's CPU, ms", "Controller, MiB", "Envoy, MiB",
)  # fmt: skip
BURST_HEAD = (
    "Controller", "Strategy", "Slots built", "Endpoints a second", "Tasks", "Rounds", "Ports", "API, s",
    "All answer, s", "Worst, s",
)  # fmt: skip
PATH_HEAD = ("Controller", "Path", "Samples", "New connection, ms", "Round trip, ms", "One stream, MiB/s")

OPERATOR_HEAD = ("Pods exposed", "Slots built", "Starts", "Ready, s", "CPU, s", "Memory, MiB", "Idle, s", "Writes")

SCALE_HEAD = (
    "Controller", "Strategy", "Releases", "Slots built", "Tasks in place", "Samples", "First byte, ms", "Refused, ms",
    "Install, s", "Fill, s",
)  # fmt: skip


def exposed(report: ExposeReport) -> Table:
    """Return a row for each controller, strategy and size, for a terminal."""
    return terminal(EXPOSE_HEAD, expose_rows(report.records))


def bursts(report: BurstReport) -> Table:
    """Return a row for each controller, strategy and limit on endpoints, for a terminal."""
    return terminal(BURST_HEAD, burst_rows(report.records))


def paths(report: DataplaneReport) -> Table:
    """Return a row for each controller and path, for a terminal."""
    return terminal(PATH_HEAD, path_rows(report.records))


def crd_writes(report: CrdWriteReport) -> Table:
    """Return a row for each set of rules, for a terminal."""
    head, *rows = crd_write_rows(report.records)
    return terminal(head, rows)


def operators(report: OperatorReport) -> Table:
    """Return a row for each number of pods, for a terminal."""
    return terminal(OPERATOR_HEAD, operator_rows(report.records))


def scales(report: ScaleReport) -> Table:
    """Return a row for each controller and number of releases, for a terminal."""
    return terminal(SCALE_HEAD, scale_rows(report.records))


def expose_rows(records: Sequence[ExposeRecord]) -> Rows:
    """Return the cells of a row for each record: milliseconds are medians, with the 99th percentile in brackets."""
    return [[
        each.controller, each.strategy, _built(each), f"{each.active:,}",
        f"{each.pause_seconds:g}", str(each.samples), f"{each.api_writes:g}", ms(each.api_seconds),
        ms(each.ready_seconds), ms(each.refused_seconds), f"{each.apiserver_cpu_seconds * 1000:.0f}",
        str(each.controller_memory_mib), str(each.envoy_memory_mib),
    ] for each in records]  # fmt: skip


def burst_rows(records: Sequence[BurstRecord]) -> Rows:
    """Return the cells of a row for each record, in seconds."""
    return [[
        each.controller, each.strategy, _built(each), str(each.endpoints_qps),
        str(each.tasks), str(each.rounds), str(each.ports), f"{each.api_seconds.median:.2f}",
        f"{each.ready_seconds.median:.2f}", f"{each.worst_seconds:.2f}",
    ] for each in records]  # fmt: skip


def path_rows(records: Sequence[PathRecord]) -> Rows:
    """Return the cells of a row for each record."""
    return [[
        each.controller, each.path, f"{each.samples:,}", ms(each.connect_seconds), ms(each.round_trip_seconds),
        f"{each.mib_per_second:,.0f}",
    ] for each in records]  # fmt: skip


def crd_write_rows(records: Sequence[CrdWriteRecord]) -> Rows:
    """Return the cells of the header and of a row for each set of rules, with a column per number of listeners."""
    counts = sorted({each.listeners for each in records})
    table = [["Milliseconds a write", *(f"{count:,} listeners" for count in counts)]]
    for rules in dict.fromkeys(each.rules for each in records):
        written = {each.listeners: ms(each.write_seconds) for each in records if each.rules == rules}
        table.append([rules, *(written.get(count, "refused") for count in counts)])
    return table


def operator_rows(records: Sequence[OperatorRecord]) -> Rows:
    """Return the cells of a row for each record: seconds are medians, with the longest in brackets."""
    return [[
        f"{each.pods:,}", f"{each.slots:,}", str(each.starts), _seconds(each.ready_seconds), _seconds(each.cpu_seconds),
        str(each.memory_mib), f"{each.idle_seconds:g}", str(each.idle_writes),
    ] for each in records]  # fmt: skip


def scale_rows(records: Sequence[ScaleRecord]) -> Rows:
    """Return the cells of a row for each record."""
    return [[
        each.controller, each.strategy, str(each.releases), f"{each.slots:,}", f"{each.active:,}", str(each.samples),
        ms(each.ready_seconds), ms(each.refused_seconds), f"{each.install_seconds:.0f}", f"{each.fill_seconds:.0f}",
    ] for each in records]  # fmt: skip


def alone(records: Sequence[ExposeRecord]) -> list[ExposeRecord]:
    """Return the records of single claims: those with the longest pause between two."""
    longest = max((each.pause_seconds for each in records), default=0.0)
    return [each for each in records if each.pause_seconds == longest]


def measured_on(versions: Mapping[str, str], machine: Mapping[str, str]) -> str:
    """Return the sentence about the machine and the versions of the measurement."""
    parts = ", ".join(f"{name} {version}" for name, version in versions.items())
    host = "; ".join(f"{name} {value}" for name, value in machine.items())
    return f"Measured with {parts}, on one machine: {host}."


def ms(spread: Spread) -> str:
    """Return milliseconds, the 99th percentile in brackets."""
    return f"{_ms(spread.median)} ({_ms(spread.p99)})"


def terminal(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """Return a table for a terminal."""
    table = Table(*(each.upper() for each in head), box=None, pad_edge=False)
    for row in rows:
        table.add_row(*cells(row))
    return table


def _built(record: ExposeRecord | BurstRecord) -> str:
    return f"{record.slots:,}" if record.slots else "-"


def _seconds(spread: Spread) -> str:
    return f"{spread.median:.2f} ({spread.p99:.2f})"


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.2f}" if seconds < 0.001 else f"{seconds * 1000:,.{1 if seconds < 0.01 else 0}f}"
