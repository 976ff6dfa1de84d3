"""Both charts are upgraded from their packages of the release before, with a live task of each strategy."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.faults.stand import Stand, standing
from tests.faults.watching import watching
from tests.preflight import Stage, troubled

from task_gateway.controllers import base as controllers

PREVIOUS = Path(__file__).parents[2] / "dist" / "previous"
STRATEGIES = ("slots", "listeners")


@pytest.fixture(params=controllers.names())
def stand(request: pytest.FixtureRequest) -> Iterator[Stand]:
    controller = controllers.CONTROLLERS.get(request.param)
    with standing(f"test-previous-{request.param}", controller, PREVIOUS, as_before) as made:
        yield made


def as_before(values: dict[str, Any]) -> dict[str, Any]:
    """Return values with the names of the release before, in which `slots` is a map: one group."""
    (slots,) = values["slots"]
    return values | {"slots": slots}


def test_an_upgrade_from_the_release_before_keeps_every_task(
    stand: Stand, chart: Path, crds_chart: Path, tmp_path: Path
) -> None:
    stand.start(*STRATEGIES, "late")
    for strategy in STRATEGIES:
        stand.expose(strategy, strategy=strategy)
    stand.everything_holds()
    with watching(stand.greetings) as seen:
        stand.install_crds(crds_chart)
        stand.chart = chart
        stand.upgrade(stand.values)
        stand.everything_holds()
    assert seen.strangers == []
    stand.expose("late")
    stand.everything_holds()
    code, report = Stage(stand.kube, stand.gateway, tmp_path, without_config=True).check()
    assert (code, troubled(report)) == (0, {})
    for strategy in STRATEGIES:
        stand.release(strategy, strategy=strategy)
    stand.everything_holds()
