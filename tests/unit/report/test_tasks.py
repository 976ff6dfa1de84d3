"""Tables of tasks: ages in the format of kubectl, and the contents of the columns."""

from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console, RenderableType

from task_gateway.model import Address, Exposure, Repair
from task_gateway.report import tasks

NOW = datetime(2026, 3, 4, tzinfo=UTC)
ONE = Exposure("nb", "ns", "ada", "Pod", 20000, 8888, "slots", Address("192.0.2.7", 20000), NOW, ready=True)


def printed(renderable: RenderableType) -> list[list[str]]:
    console = Console(width=200)
    with console.capture() as capture:
        console.print(renderable)
    return [line.split() for line in capture.get().splitlines()]


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (59, "59s"), (60, "1m"), (3599, "59m"), (7200, "2h"), (172800, "2d"), (-5, "0s")]
)
def test_age_in_the_largest_whole_unit(seconds: int, text: str) -> None:
    assert tasks.age(NOW, NOW + timedelta(seconds=seconds)) == text


def test_a_row_for_each_port() -> None:
    heading, row = printed(tasks.terminal([ONE], NOW + timedelta(seconds=61)))
    assert heading == ["TASK", "KIND", "PORT", "TARGET", "STRATEGY", "READY", "AGE", "OWNER"]
    assert row == ["nb", "Pod", "20000", "8888", "slots", "yes", "1m", "ada"]


def test_what_is_gone_is_called_released() -> None:
    (row,) = printed(tasks.changed([], [ONE]))
    assert row[5] == "released"


def test_repairs_say_whether_they_were_done() -> None:
    repair = Repair("free", "Service ns/gw-slot-20000", "nb", 20000, "no pod", done=False)
    assert printed(tasks.repairs([repair], dry_run=True))[1][-1] == "no"
    assert "nothing was changed" in " ".join(printed(tasks.repairs([repair], dry_run=True))[2])
    assert tasks.repairs([], dry_run=False) == "nothing is left behind"
