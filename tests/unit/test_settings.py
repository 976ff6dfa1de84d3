"""The settings of a master: their values, where they apply, and that the page has every one with its default."""

import re
from dataclasses import FrozenInstanceError, fields
from datetime import UTC, datetime, timedelta
from math import inf, nan
from pathlib import Path
from typing import Any

import pytest
from tests.unit.conftest import KUBECONFIG
from tests.unit.memory import GATEWAY_OF_TESTS, Memory, furnish, slot

from task_gateway import Settings, TaskGateway, connect
from task_gateway.errors import UsageError
from task_gateway.routing import table
from task_gateway.settings import DEFAULTS, SLOT_WRITTEN, TASK_EXPOSED

PAGE = Path(__file__).parents[2] / "docs" / "tasks.md"


def test_the_page_has_every_setting_with_its_default() -> None:
    rows = re.findall(r"^\| `(\w+_seconds)` \| ([\d.]+) \|", PAGE.read_text("utf-8"), re.MULTILINE)
    assert [(name, float(value)) for name, value in rows] == [
        (each.name, getattr(DEFAULTS, each.name)) for each in fields(Settings)
    ]


@pytest.mark.parametrize("value", [-1.0, nan, inf])
def test_a_value_that_is_no_time_is_refused_by_its_name(value: float) -> None:
    for field in fields(Settings):
        wrong: dict[str, Any] = {field.name: value}
        with pytest.raises(UsageError, match=field.name):
            Settings(**wrong)


def test_settings_cannot_change_under_a_gateway_that_uses_them() -> None:
    with pytest.raises(FrozenInstanceError):
        DEFAULTS.expose_seconds = 1  # type: ignore[misc]


def test_a_wait_keeps_its_name_and_sentence() -> None:
    exposed = Settings(expose_seconds=7).task_exposed
    assert (exposed.name, exposed.sentence, exposed.seconds) == (TASK_EXPOSED.name, TASK_EXPOSED.sentence, 7)
    assert DEFAULTS.slot_written == SLOT_WRITTEN


def test_a_gateway_uses_the_settings_of_its_connection_unless_it_is_given_others(tmp_path: Path) -> None:
    own, others = Settings(port_cooldown_seconds=1), Settings(port_cooldown_seconds=2)
    file = tmp_path / "kubeconfig"
    file.write_text(KUBECONFIG)
    kube = connect(file, settings=own)
    assert TaskGateway(kube, GATEWAY_OF_TESTS, "tasks").settings is own
    assert TaskGateway(kube, GATEWAY_OF_TESTS, "tasks", settings=others).settings is others
    assert connect(file).settings is DEFAULTS


def test_the_cooldown_of_a_slot_is_that_of_the_settings() -> None:
    released = table.format_time(datetime.now(UTC) - timedelta(seconds=30))

    def resting(settings: Settings) -> int:
        memory = Memory()
        furnish(memory, gateway_object={}, chart={}, slots=[slot(2000, released_at=released)])
        return TaskGateway(memory, GATEWAY_OF_TESTS, "ns", "slots", settings=settings).ports().resting

    assert (resting(DEFAULTS), resting(Settings(port_cooldown_seconds=10))) == (1, 0)
