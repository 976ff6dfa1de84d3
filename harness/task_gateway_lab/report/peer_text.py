"""Renders the comparison with other ways to reach a task, as tables, and as sentences if another way is better."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from rich.console import Group
from rich.table import Table

from task_gateway.spread import Spread
from task_gateway_lab.model_bench import PeerRecord, PeerReport, RestartRecord
from task_gateway_lab.report.bench_text import Rows, ms, terminal

MARGIN = 0.1
"""Differences below this fraction of a slot's value do not count as better, because runs vary by as much."""


@dataclass(frozen=True)
class Figure:
    """One figure: its column, the word for a better value, its value, and its format."""

    head: str
    better: str
    value: Callable[[PeerRecord], float]
    text: Callable[[float], str]
    spread: Callable[[PeerRecord], Spread] | None = None
    more_is_better: bool = False

    def cell(self, record: PeerRecord) -> str:
        """Return the figure of a record, with the 99th percentile if it has one."""
        return ms(self.spread(record)) if self.spread else self.text(self.value(record))

    def is_better(self, record: PeerRecord, reference: PeerRecord) -> bool:
        """Return whether a record is better than that of the reference, by more than the margin."""
        one, other = self.value(record), self.value(reference)
        return one > other * (1 + MARGIN) if self.more_is_better else one < other * (1 - MARGIN)


def _seconds(head: str, better: str, spread: Callable[[PeerRecord], Spread]) -> Figure:
    return Figure(f"{head}, ms", better, lambda each: spread(each).median, _milliseconds, spread)


def _streams(head: str, better: str, value: Callable[[PeerRecord], float]) -> Figure:
    return Figure(f"{head}, MiB/s", better, value, lambda found: f"{found:,.0f} MiB/s", more_is_better=True)


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:,.2f} ms"


FIGURES = (
    Figure("API writes", "fewer API writes", lambda each: each.api_writes, lambda found: f"{found:g}"),
    _seconds("Start to first byte", "a shorter time from start to first byte", lambda each: each.start_seconds),
    _seconds("New connection", "faster new connections", lambda each: each.connect_seconds),
    Figure("Failed", "fewer new connections that fail", lambda each: each.failed, lambda found: f"{found:g}"),
    _seconds("Round trip", "shorter round trips", lambda each: each.round_trip_seconds),
    _streams("One stream", "more throughput with one stream", lambda each: each.one_stream_mib_per_second),
    _streams("Eight streams", "more throughput with eight streams", lambda each: each.eight_streams_mib_per_second),
)
FIGURE_HEAD = ("Controller", "Way", *(each.head for each in FIGURES))
RATIO_HEAD = ("Controller", "Way", *(each.head.partition(",")[0] for each in FIGURES))
RESTART_HEAD = ("Controller", "Restarted", "Way", "In the middle", "Open connections cut", "New connections")


def peers(report: PeerReport) -> Group:
    """Return the figures, the ratios and the restarts, for a terminal."""
    return Group(
        terminal(FIGURE_HEAD, figure_rows(report)),
        _titled(f"times the value of a {report.reference}", terminal(RATIO_HEAD, ratio_rows(report))),
        _titled("after a restart", terminal(RESTART_HEAD, restart_rows(report.restarts))),
    )


def figure_rows(report: PeerReport) -> Rows:
    """Return a row for each way, in order of the controllers; a way that does not exist has its reason."""
    rows, empty = [], ["-"] * (len(FIGURES) - 1)
    for controller in _controllers(report):
        for each in _records_of(report, controller):
            rows.append([controller, each.peer, *(figure.cell(each) for figure in FIGURES)])
        for missing in (one for one in report.missing if one.controller == controller):
            rows.append([controller, missing.peer, f"not available: {missing.reason}", *empty])
    return rows


def ratio_rows(report: PeerReport) -> Rows:
    """Return how many times the value of the reference each figure of the other ways is."""
    return [
        [each.controller, each.peer, *(_ratio(figure.value(each), figure.value(reference)) for figure in FIGURES)]
        for each, reference in _pairs(report)
    ]


def restart_rows(records: Iterable[RestartRecord]) -> Rows:
    """Return a row for each restarted component and way."""
    return [[
        each.controller, each.part, each.peer, "yes" if each.in_the_middle else "no", f"{each.cut} of {each.open}",
        _new_connections(each),
    ] for each in records]  # fmt: skip


def better(report: PeerReport) -> list[str]:
    """Return a sentence for each figure in which another way is better than the reference."""
    return [
        f"{each.peer} has {figure.better} than a {report.reference} on {each.controller}: "
        f"{figure.text(figure.value(each))}, not {figure.text(figure.value(reference))}."
        for figure in FIGURES
        for each, reference in _pairs(report)
        if figure.is_better(each, reference)
    ]


def survived(report: PeerReport) -> list[str]:
    """Return a sentence for each way whose own middle cuts fewer connections than that of the reference."""
    worst: Mapping[tuple[str, str], int] = _worst(report.restarts)
    found = []
    for (controller, peer), cut in worst.items():
        reference = worst.get((controller, report.reference))
        if peer != report.reference and reference is not None and cut < reference:
            found.append(
                f"{peer} loses fewer connections than a {report.reference} on {controller} when a component in its "
                f"middle restarts: at most {cut}, not {reference}."
            )
    return found


def _worst(restarts: Iterable[RestartRecord]) -> dict[tuple[str, str], int]:
    """Return the most connections that the restart of one part in the middle of a way cut, by controller and way."""
    found: dict[tuple[str, str], int] = {}
    for each in restarts:
        if each.in_the_middle:
            key = (each.controller, each.peer)
            found[key] = max(found.get(key, 0), each.cut)
    return found


def _controllers(report: PeerReport) -> list[str]:
    found = [each.controller for each in report.records] + [each.controller for each in report.missing]
    return list(dict.fromkeys(found))


def _records_of(report: PeerReport, controller: str) -> list[PeerRecord]:
    return [each for each in report.records if each.controller == controller]


def _pairs(report: PeerReport) -> Iterator[tuple[PeerRecord, PeerRecord]]:
    """Yield the record of each other way, and that of the reference in the same cluster."""
    for controller in _controllers(report):
        found = _records_of(report, controller)
        for reference in (each for each in found if each.peer == report.reference):
            yield from ((each, reference) for each in found if each is not reference)


def _ratio(value: float, reference: float) -> str:
    return f"{value / reference:.2f}" if reference else "-"


def _new_connections(record: RestartRecord) -> str:
    if not record.back:
        return "no longer answered"
    return f"not answered for {record.away_seconds:.1f} s" if record.away_seconds else "answered throughout"


def _titled(title: str, table: Table) -> Table:
    table.title, table.title_justify = f"\n{title}", "left"
    return table
