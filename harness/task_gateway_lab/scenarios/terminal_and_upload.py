"""Scenario: a terminal in a notebook, and a file that is uploaded there and read in the terminal."""

from task_gateway.deferred import secrets
from task_gateway_lab.scenarios import runtime
from task_gateway_lab.scenarios.declared import Move, Scenario, Scene, declare
from task_gateway_lab.scenarios.tasks import end, opened, start

ID, FILE = "notebook-terminal", "uploaded.txt"


def upload(scene: Scene) -> str:
    """Upload a file as JupyterLab's file browser does."""
    scene.kept["text"] = f"uploaded {secrets.token_hex(8)}"
    opened(scene, ID).upload(FILE, f"{scene.kept['text']}\n".encode())
    return f"{FILE} contains {scene.kept['text']!r}"


def read(scene: Scene) -> str:
    """Read the file in a terminal, over its WebSocket."""
    said = opened(scene, ID).in_terminal(f"cat {FILE}", scene.kept["text"])
    return f"the terminal shows {said!r}"


def look(scene: Scene) -> str:
    """Open a terminal in the page and keep a picture of it."""
    notebook = opened(scene, ID)
    notebook.decline_news()
    command, shown = f"cat {FILE}", scene.kept["text"]
    runtime.browser.run_in_terminal(
        notebook.url, scene.kept[ID].authorization, command, shown, scene.picture("terminal")
    )
    return "the page shows the terminal with the file's text"


declare(
    Scenario(
        name="terminal_and_upload",
        group="Notebooks",
        sentence="A file is uploaded to a notebook of another cluster and read in a terminal there.",
        needs=("chromium",),
        tags=("notebook",),
        moves=(
            start("notebook", "east", ID),
            Move("file uploaded", upload, "# drag a file into the file browser of JupyterLab"),
            Move("file read in a terminal", read, f"# File, New, Terminal: cat {FILE}"),
            Move("terminal opened in Chromium", look),
            end(ID),
        ),
    )
)
