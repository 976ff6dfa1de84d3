"""Renders the replayed Determined master as a table: the profile and the lane, from the record of a test."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from task_gateway_lab.report.bench_text import measured_on
from task_gateway_lab.report.markdown_text import table


@dataclass(frozen=True)
class ReplayRecord:
    """What was counted while the same tasks were replayed.

    `tasks` were started, and had `ports` at the same time. `conflicts` are writes of the Gateway that were refused
    because another client wrote first, `lost` the tasks that died of them, `leaked` the ports that were never freed.
    `statuses` is how often somebody wrote the status of the Gateway. `led_seconds` is how long after its route the slot
    of a port led to its task; None where there are no slots.
    """

    where: str
    tasks: int
    ports: int
    writes: int
    write_seconds: float
    conflicts: int
    lost: int
    leaked: int
    statuses: int
    cpu_seconds: float
    launch_seconds: float
    kill_seconds: float
    restored: int
    led_seconds: float | None = None


NONE = "—"
# Not the seconds of writes, launches and kills: they follow the load of the machine, which differs between two plays.
ROWS: Mapping[str, Callable[[ReplayRecord], str]] = {
    "Tasks started": lambda each: str(each.tasks),
    "Ports in use at the same time": lambda each: str(each.ports),
    "Changes of the Gateway by the master": lambda each: str(each.writes),
    "Writes refused because of a conflict": lambda each: str(each.conflicts),
    "Writes of the Gateway's status": lambda each: str(each.statuses),
    "Tasks lost": lambda each: str(each.lost),
    "Tasks restored by a restart of the master": lambda each: str(each.restored),
    "Ports still in use after killing all tasks": lambda each: str(each.leaked),
    "CPU time of the API server": lambda each: f"{each.cpu_seconds:.0f} s",
    "From the TCPRoute to the slot, median": lambda each: _milliseconds(each.led_seconds),
}


def page(plays: Sequence[ReplayRecord], versions: Mapping[str, str], machine: Mapping[str, str]) -> str:
    """Return the table, and what it was measured with."""
    rows = [(label, *(say(each) for each in plays)) for label, say in ROWS.items()]
    return f"{measured_on(versions, machine)}\n\n{table(('', *(each.where for each in plays)), rows)}\n"


def _milliseconds(seconds: float | None) -> str:
    return NONE if seconds is None else f"{seconds * 1000:.0f} ms"
