"""Scenario: the WebSocket of an idle notebook stays open for minutes, and the output of its kernel arrives."""

from task_gateway.errors import ScenarioFailed
from task_gateway.settings import Wait
from task_gateway_lab.scenarios.base import Scenario, ScenarioCase, Step, declare
from task_gateway_lab.scenarios.tasks import end, opened, start

ID, SECONDS = "notebook-idle", 180
IDLE = Wait("idle-over", "the cell that prints nothing for minutes is done", SECONDS + 60)
SAID = "still here"
CELL = f"import time\ntime.sleep({SECONDS})\nprint({SAID!r})"


def run_silent_cell(case: ScenarioCase) -> str:
    """Run a cell that prints nothing for minutes, over one WebSocket, and read its output at the end."""
    said = opened(case, ID).execute(CELL, wait=IDLE)
    if said != SAID:
        raise ScenarioFailed(f"the cell printed {said!r}, not {SAID!r}")
    return f"after {SECONDS} s on one WebSocket the cell printed {said!r}"


declare(
    Scenario(
        name="idle_websocket",
        group="Notebooks",
        sentence=f"A notebook's WebSocket without traffic for {SECONDS} seconds stays open.",
        tags=("notebook", "long", "any-master"),
        steps=(
            start("notebook", "east", ID),
            Step(
                f"no traffic for {SECONDS} s",
                run_silent_cell,
                f"# run in a cell: {CELL.splitlines()[1]}; print({SAID!r})",
            ),
            end(ID),
        ),
    )
)
