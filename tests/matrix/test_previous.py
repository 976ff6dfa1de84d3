"""Both charts are upgraded from their packages of the release before, with a live task of each strategy."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.faults.stand import Stand, standing
from tests.faults.watching import watching
from tests.preflight import Stage, troubled

from task_gateway.controllers import base as controllers

PREVIOUS = Path(__file__).parents[2] / "dist" / "previous"
STRATEGIES = ("slots", "listeners")


@pytest.fixture(params=controllers.names())
def stand(request: pytest.FixtureRequest) -> Iterator[Stand]:
    with standing(f"test-previous-{request.param}", controllers.CONTROLLERS.get(request.param), PREVIOUS) as made:
        yield made


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
