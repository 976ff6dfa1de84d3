"""Scenario: a TensorBoard of another cluster shows the curve of real event files."""

from task_gateway.errors import ScenarioFailed
from task_gateway.master import browser
from task_gateway.master.exchange import accepted, call
from task_gateway.master.kinds.tensorboard import STEPS
from task_gateway.scenarios.declared import Move, Scenario, Scene, declare
from task_gateway.scenarios.tasks import end, start

ID = "tensorboard-1"
CURVE = "text=/^Smoothed/"  # of the table of points, which comes with the curve


def read(scene: Scene) -> str:
    """Ask TensorBoard for the scalars that were written."""
    url = f"{scene.world.platform.url(ID)}data/plugin/scalars/scalars?tag=loss&run=run-1"
    points = accepted(call("GET", url), "reading scalars", url).json()
    if len(points) != STEPS or points[-1][1] != STEPS - 1:
        raise ScenarioFailed(f"{len(points)} points, the last of step {points[-1][1] if points else None}", where=url)
    return f"{len(points)} points, the loss falls from {points[0][2]:.2f} to {points[-1][2]:.2f}"


def look(scene: Scene) -> str:
    """Open the page in Chromium until it draws the curve."""
    browser.show(f"{scene.world.platform.url(ID)}#timeseries", CURVE, scene.picture("tensorboard"))
    return "the page draws the curve of loss"


declare(
    Scenario(
        name="tensorboard_curve",
        group="TensorBoards",
        sentence="A TensorBoard of another cluster serves the curve of real event files through the master.",
        needs=("chromium",),
        tags=("tensorboard",),
        moves=(
            start("tensorboard", "west", ID),
            Move("scalars read", read, "curl http://$tensorboard_1/proxy/tensorboard-1/data/runs"),
            Move("curve seen in Chromium", look, "# open the TensorBoard's URL, Time Series"),
            end(ID),
        ),
    )
)
