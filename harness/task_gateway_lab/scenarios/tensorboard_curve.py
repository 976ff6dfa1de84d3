"""Scenario: a TensorBoard in another cluster shows the curve of real event files."""

import io

from task_gateway.errors import ScenarioFailed
from task_gateway_lab.scenarios import runtime
from task_gateway_lab.scenarios.base import Scenario, ScenarioCase, Step, declare
from task_gateway_lab.scenarios.tasks import end, start

ID = "tensorboard-1"
POINTS = "text=/^Smoothed/"  # in the table of points, which appears shortly before the curve
COLOUR, NEAR, WIDE = (66, 80, 102), 16, 0.3
"""TensorBoard's colour of the first run, the tolerance of a pixel, and the minimum width of the line as a fraction."""


def read_scalars(case: ScenarioCase) -> str:
    """Read the scalars from TensorBoard's API."""
    url = f"{case.environment.platform.url(ID)}data/plugin/scalars/scalars?tag=loss&run=run-1"
    points = runtime.accepted(runtime.call("GET", url), "reading scalars", url).json()
    if len(points) != runtime.STEPS or points[-1][1] != runtime.STEPS - 1:
        raise ScenarioFailed(f"{len(points)} points, the last of step {points[-1][1] if points else None}", where=url)
    return f"{len(points)} points, the loss falls from {points[0][2]:.2f} to {points[-1][2]:.2f}"


def open_curve(case: ScenarioCase) -> str:
    """Open the page in Chromium, and wait until it draws the curve."""
    runtime.browser.show(
        f"{case.environment.platform.url(ID)}#timeseries", POINTS, has_curve, case.picture("tensorboard")
    )
    return "the page draws the curve of loss"


def has_curve(png: bytes) -> bool:
    """Return whether a line of the run's colour crosses much of a screenshot. No text or icon is that wide."""
    from matplotlib.image import imread  # takes a second to import, so only here

    pixels = imread(io.BytesIO(png))[:, :, :3] * 255
    columns = (abs(pixels - COLOUR) < NEAR).all(axis=2).any(axis=0)
    return bool(columns.sum() >= WIDE * columns.size)


declare(
    Scenario(
        name="tensorboard_curve",
        group="TensorBoards",
        sentence="A TensorBoard of another cluster serves the curve of real event files through the master.",
        needs=("chromium",),
        tags=("tensorboard",),
        steps=(
            start("tensorboard", "west", ID),
            Step("scalars read", read_scalars, "curl http://$tensorboard_1/proxy/tensorboard-1/data/runs"),
            Step("curve seen in Chromium", open_curve, "# open the TensorBoard's URL, Time Series"),
            end(ID),
        ),
    )
)
