"""Text of others on a terminal: shown as it was written, on one line, without a character that acts."""

import io
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console, RenderableType

from task_gateway.cli.output import Output, emit, emit_error
from task_gateway.errors import TaskGatewayError
from task_gateway.model import Address, Exposure, Limit, ManagerLimits, PortUse, Repair
from task_gateway.printable import printable
from task_gateway.report import limits, tasks

NOW = datetime(2026, 3, 4, tzinfo=UTC)
ODD = [
    ("ada [/ml-team]", "ada [/ml-team]"),
    ("Zoë [dev] corp:id:zoe", "Zoë [dev] corp:id:zoe"),
    ("\x1b[31mred\x1b]0;title\a\nline2", r"\x1b[31mred\x1b]0;title\x07\nline2"),
    ("a\u202etxt.exe", r"a\u202etxt.exe"),
    ("[link=https://example.com]x[/link]", "[link=https://example.com]x[/link]"),
]


def exposure(text: str) -> Exposure:
    return Exposure(text, "ns", text, text, 20000, text, "slots", Address("192.0.2.7", 20000), NOW)


def of_tasks(text: str) -> list[RenderableType]:
    """Every table that has text of others in it."""
    repair = Repair("close", text, text, 20000, text)
    limit = Limit("slots", text, 1, 1, "gateway", "read", text)
    manager = ManagerLimits(text, text, "slots", text, 1, 0, 1, "slots", (limit,))
    return [
        tasks.terminal([exposure(text)], NOW),
        tasks.changed([exposure(text)], [exposure(text)]),
        tasks.repairs([repair], dry_run=True),
        limits.headline_with_ports(manager, PortUse(1, 1, 0, 0, 0, 0, 0)),
        limits.terminal([manager]),
    ]


@pytest.mark.parametrize(("text", "shown"), ODD)
def test_a_cell_is_the_text_itself(text: str, shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    for made in of_tasks(text)[:3]:
        emit(made, Output.text, lambda each: each)
        printed = capsys.readouterr().out
        assert shown in printed
        assert "\x1b" not in printed


@given(st.text(max_size=30))
def test_no_text_adds_a_row_or_raises(text: str) -> None:
    lines = []
    for same in (text, "x"):
        console = Console(width=4000, file=io.StringIO(), record=True, markup=False, emoji=False, highlight=False)
        for made in of_tasks(same):
            console.print(made)
        lines.append(len(console.export_text().splitlines()))
    assert lines[0] == lines[1]


@given(st.text())
def test_what_is_shown_prints_and_what_prints_is_left_alone(text: str) -> None:
    assert printable(text).isprintable()
    assert printable(printable(text)) == printable(text)


def test_errors_keep_their_lines_and_no_escape(capsys: pytest.CaptureFixture[str]) -> None:
    emit_error(TaskGatewayError("most by \x1b[31mred\nsecond", hint="a\tb"), Output.text)
    assert capsys.readouterr().err == "error: most by \\x1b[31mred\nsecond\n  try: a\\tb\n"
