"""One kind cluster for all faults, with the packaged chart, and tasks that are live throughout."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.faults import record
from tests.faults.lab import NAMESPACE, FaultLab, bring_up

from task_gateway.controllers import base as controllers

LIVE = tuple(f"live-{number}" for number in range(4))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out impossible tests: with Contour no second listener fits next to that of a slot."""
    items[:] = [each for each in items if _can_be(each)]


def _can_be(item: pytest.Item) -> bool:
    given = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
    if given.get("site") != "contour":
        return True
    second_listener = item.name.startswith("test_somebody_else_adds_listeners_in_our_range")
    return not (second_listener and given["strategy"] == "slots")


@pytest.fixture(scope="session", params=controllers.names())
def site(request: pytest.FixtureRequest, pytestconfig: pytest.Config) -> Iterator[FaultLab]:
    controller = controllers.CONTROLLERS.get(request.param)
    with bring_up(f"test-faults-{controller.name}", controller, Path(__file__).parents[2] / "dist") as made:
        if (recorder := record.recorder_of(pytestconfig)) is not None:
            recorder.versions(made.kube, NAMESPACE)
        made.start(*LIVE)
        yield made


@pytest.fixture
def lab(site: FaultLab) -> Iterator[FaultLab]:
    """Four live tasks; the tasks that a test adds are removed after it."""
    for task in LIVE:
        site.expose(task)
    site.everything_holds()
    yield site
    site.clear(keep=LIVE)
