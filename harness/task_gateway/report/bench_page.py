"""The rendered parts of docs/performance.md, from the records as `task-gateway bench … --record` wrote them."""

from collections.abc import Mapping
from typing import Any

from task_gateway.model_bench import (
    BurstRecord,
    BurstReport,
    CrdWriteRecord,
    CrdWriteReport,
    DataplaneReport,
    ExposeRecord,
    ExposeReport,
    PathRecord,
    Spread,
)
from task_gateway.report import bench_targets
from task_gateway.report.bench_text import (
    BURST_HEAD,
    EXPOSE_HEAD,
    PATH_HEAD,
    burst_rows,
    crd_write_rows,
    expose_rows,
    markdown,
    measured_on,
    path_rows,
)

Record = Mapping[str, Any]


def targets(expose: Record, burst: Record) -> str:
    """Return the table of targets."""
    found = bench_targets.targets(read_expose(expose), read_burst(burst))
    return markdown(bench_targets.HEAD, bench_targets.rows(found))


def exposed(record: Record) -> str:
    """Return the table of each controller and strategy, smallest size first, and what was not tried."""
    report = read_expose(record)
    stopped = [
        f"- {each.controller} with {each.strategy}: nothing larger than {each.active:,} was tried, {each.stopped}."
        for each in report.records
        if each.stopped
    ]
    table = markdown(EXPOSE_HEAD, expose_rows(report.records))
    return "\n".join([measured_on(report.versions, report.machine), "", table, *(["", *stopped] if stopped else [])])


def bursts(record: Record) -> str:
    """Return the table of bursts."""
    report = read_burst(record)
    return f"{measured_on(report.versions, report.machine)}\n\n{markdown(BURST_HEAD, burst_rows(report.records))}"


def paths(record: Record) -> str:
    """Return the table of paths."""
    report = read_dataplane(record)
    return f"{measured_on(report.versions, report.machine)}\n\n{markdown(PATH_HEAD, path_rows(report.records))}"


def crd_writes(record: Record) -> str:
    """Return the table of writes of a Gateway."""
    report = CrdWriteReport(
        record["versions"], record["machine"], tuple(CrdWriteRecord(**_typed(r)) for r in _of(record))
    )
    head, *rows = crd_write_rows(report.records)
    return f"{measured_on(report.versions, report.machine)}\n\n{markdown(head, rows)}"


def read_expose(record: Record) -> ExposeReport:
    """Return the report that a record of `bench expose` is of."""
    return ExposeReport(record["versions"], record["machine"], tuple(ExposeRecord(**_typed(r)) for r in _of(record)))


def read_burst(record: Record) -> BurstReport:
    """Return the report that a record of `bench burst` is of."""
    return BurstReport(record["versions"], record["machine"], tuple(BurstRecord(**_typed(r)) for r in _of(record)))


def read_dataplane(record: Record) -> DataplaneReport:
    """Return the report that a record of `bench dataplane` is of."""
    return DataplaneReport(record["versions"], record["machine"], tuple(PathRecord(**_typed(r)) for r in _of(record)))


def _of(record: Record) -> list[Record]:
    found: list[Record] = record["records"]
    return found


def _typed(entry: Record) -> dict[str, Any]:
    return {key: Spread(**value) if isinstance(value, Mapping) else value for key, value in entry.items()}
