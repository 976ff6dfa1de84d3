"""Steps are timed, shown and recorded, also if they fail."""

import io

import pytest
from rich.console import Console

from task_gateway.errors import ScenarioFailed
from task_gateway_lab.scenarios.steps import StepRecorder, TerminalReporter, why


def plain() -> tuple[StepRecorder, io.StringIO]:
    text = io.StringIO()
    return StepRecorder(TerminalReporter(Console(file=text, width=40))), text


def test_a_step_that_passes_is_kept_with_its_detail() -> None:
    steps, text = plain()
    with steps.step("wait") as note:
        note.say("nearly there")
        note.detail = "three of three, and so much to say that it is longer than a line of the console"
    (step,) = steps.done
    assert (step.name, step.passed, step.detail) == ("wait", True, note.detail)
    assert 0 <= step.seconds < 5
    assert text.getvalue() == f"  nearly there\n√    0.0 s  wait  {note.detail}\n"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ScenarioFailed("it answered", where="10.0.0.1:1"), "it answered (10.0.0.1:1)"),
        (ScenarioFailed("it answered"), "it answered"),
        (KeyboardInterrupt(), "interrupted"),
        (ValueError("odd"), "ValueError: odd"),
    ],
)
def test_a_step_that_fails_is_kept_with_its_cause_and_the_error_goes_on(error: BaseException, said: str) -> None:
    steps, text = plain()
    with pytest.raises(type(error)), steps.step("wait"):
        raise error
    (step,) = steps.done
    assert (step.passed, step.detail) == (False, said)
    assert text.getvalue().startswith("×")
    assert why(error) == said


def test_a_terminal_shows_what_goes_on_and_square_brackets_stay() -> None:
    text = io.StringIO()
    steps = StepRecorder(TerminalReporter(Console(file=text, force_terminal=True, width=60)))
    with steps.step("wait [red]") as note:
        note.say("looking at [bold]")
    assert "√" in text.getvalue()
    assert "wait [red]" in text.getvalue()
