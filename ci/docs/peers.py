"""The rendered parts of docs/alternatives.md, from the record that `task-gateway bench peers --record` writes."""

from task_gateway_lab.model_bench import PeerReport
from task_gateway_lab.report import peer_text
from task_gateway_lab.report.bench_text import measured_on
from task_gateway_lab.report.markdown_text import table

NOT_RECORDED = "No figures are recorded yet. `task-gateway bench peers --record reports/bench` records them."


def figures(report: PeerReport) -> str:
    """Return the figures of each way, and how many times the value of a slot each is."""
    if not report.records:
        return NOT_RECORDED
    return "\n\n".join(
        (
            measured_on(report.versions, report.machine),
            table(peer_text.FIGURE_HEAD, peer_text.figure_rows(report)),
            f"The same figures, divided by those of a {report.reference} in the same cluster:",
            table(peer_text.RATIO_HEAD, peer_text.ratio_rows(report)),
        )
    )


def better(report: PeerReport) -> str:
    """Return each figure in which another way is better than a slot."""
    if not report.records:
        return NOT_RECORDED
    found = [*peer_text.better(report), *peer_text.survived(report)]
    return "\n".join(f"- {each}" for each in found) or f"None is better than a {report.reference}."


def restarts(report: PeerReport) -> str:
    """Return what the restart of each component cuts."""
    if not report.restarts:
        return NOT_RECORDED
    return table(peer_text.RESTART_HEAD, peer_text.restart_rows(report.restarts))
