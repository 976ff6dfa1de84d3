"""Both charts are upgraded from the packages of the previous release, with a live task of each strategy."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.faults.lab import FaultLab, bring_up
from tests.faults.watching import watching
from tests.preflight import Preflight, troubled

from task_gateway.controllers import base as controllers

PREVIOUS = Path(__file__).parents[2] / "dist" / "previous"
STRATEGIES = ("slots", "listeners")


@pytest.fixture(params=controllers.names())
def lab(request: pytest.FixtureRequest) -> Iterator[FaultLab]:
    controller = controllers.CONTROLLERS.get(request.param)
    with bring_up(f"test-previous-{request.param}", controller, PREVIOUS, as_before) as made:
        yield made


def as_before(values: dict[str, Any]) -> dict[str, Any]:
    """Return values with the names of the previous release, in which `slots` is a map: one group."""
    (slots,) = values["slots"]
    return values | {"slots": slots}


def test_an_upgrade_from_the_release_before_keeps_every_task(
    lab: FaultLab, chart: Path, crds_chart: Path, tmp_path: Path
) -> None:
    lab.start(*STRATEGIES, "late")
    for strategy in STRATEGIES:
        lab.expose(strategy, strategy=strategy)
    lab.everything_holds()
    with watching(lab.greetings) as seen:
        lab.install_crds(crds_chart)
        lab.chart = chart
        lab.upgrade(lab.values)
        lab.everything_holds()
    assert seen.strangers == []
    lab.expose("late")
    lab.everything_holds()
    code, report = Preflight(lab.kube, lab.gateway, tmp_path, without_config=True).check()
    assert (code, troubled(report)) == (0, {})
    for strategy in STRATEGIES:
        lab.release(strategy, strategy=strategy)
    lab.everything_holds()
