"""Scenario: a file is uploaded to a notebook and read in its terminal."""

from task_gateway.deferred import secrets
from task_gateway_lab.scenarios import runtime
from task_gateway_lab.scenarios.base import Scenario, ScenarioCase, Step, declare
from task_gateway_lab.scenarios.tasks import end, opened, start

ID, FILE = "notebook-terminal", "uploaded.txt"


def upload_file(case: ScenarioCase) -> str:
    """Upload a file like JupyterLab's file browser."""
    case.state["text"] = f"uploaded {secrets.token_hex(8)}"
    opened(case, ID).upload(FILE, f"{case.state['text']}\n".encode())
    return f"{FILE} contains {case.state['text']!r}"


def read_in_terminal(case: ScenarioCase) -> str:
    """Read the file in a terminal, over its WebSocket."""
    said = opened(case, ID).in_terminal(f"cat {FILE}", case.state["text"])
    return f"the terminal shows {said!r}"


def open_terminal(case: ScenarioCase) -> str:
    """Open a terminal in the page and save a screenshot."""
    notebook = opened(case, ID)
    notebook.decline_news()
    command, shown = f"cat {FILE}", case.state["text"]
    runtime.browser.run_in_terminal(
        notebook.url, case.state[ID].authorization, command, shown, case.picture("terminal")
    )
    return "the page shows the terminal with the file's text"


declare(
    Scenario(
        name="terminal_and_upload",
        group="Notebooks",
        sentence="A file is uploaded to a notebook of another cluster and read in a terminal there.",
        needs=("chromium",),
        tags=("notebook",),
        steps=(
            start("notebook", "east", ID),
            Step("file uploaded", upload_file, "# drag a file into the file browser of JupyterLab"),
            Step("file read in a terminal", read_in_terminal, f"# File, New, Terminal: cat {FILE}"),
            Step("terminal opened in Chromium", open_terminal),
            end(ID),
        ),
    )
)
