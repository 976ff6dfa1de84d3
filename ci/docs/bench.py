"""The rendered parts of docs/performance.md, from the records that `task-gateway bench … --record` writes."""

from collections.abc import Sequence

from docs import bench_targets
from task_gateway_lab.model_bench import (
    BurstReport,
    CrdWriteReport,
    DataplaneReport,
    ExposeReport,
    OperatorReport,
    Report,
)
from task_gateway_lab.report.bench_text import (
    BURST_HEAD,
    EXPOSE_HEAD,
    OPERATOR_HEAD,
    PATH_HEAD,
    Rows,
    burst_rows,
    crd_write_rows,
    expose_rows,
    measured_on,
    operator_rows,
    path_rows,
)
from task_gateway_lab.report.markdown_text import table


def targets(expose: ExposeReport, burst: BurstReport, starts: OperatorReport) -> str:
    """Return the table of targets."""
    found = bench_targets.targets(expose, burst, starts)
    return table(bench_targets.HEAD, bench_targets.rows(found), plain=[2])


def exposed(report: ExposeReport) -> str:
    """Return the table of each controller and strategy, smallest size first, and the sizes that were not measured."""
    stopped = [
        f"- {each.controller} with {each.strategy}: not measured above {each.active:,} tasks, because {each.stopped}."
        for each in report.records
        if each.stopped
    ]
    found = table(EXPOSE_HEAD, expose_rows(report.records))
    return "\n".join([measured_on(report.versions, report.machine), "", found, *(["", *stopped] if stopped else [])])


def bursts(report: BurstReport) -> str:
    """Return the table of bursts."""
    return _page(report, BURST_HEAD, burst_rows(report.records))


def paths(report: DataplaneReport) -> str:
    """Return the table of paths."""
    return _page(report, PATH_HEAD, path_rows(report.records))


def crd_writes(report: CrdWriteReport) -> str:
    """Return the table of writes of a Gateway."""
    head, *rows = crd_write_rows(report.records)
    return _page(report, head, rows)


def operators(report: OperatorReport) -> str:
    """Return the table of starts of the operator."""
    return _page(report, OPERATOR_HEAD, operator_rows(report.records))


def _page(report: Report, head: Sequence[str], rows: Rows) -> str:
    """Return a table after what it was measured with."""
    return f"{measured_on(report.versions, report.machine)}\n\n{table(head, rows)}"
