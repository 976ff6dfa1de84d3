"""The hint of an error about slots is a command that keeps every slot of the namespace, and adds more."""

import json
import re
from collections.abc import Sequence
from typing import Any

import pytest

from task_gateway.model import InternalTaskGateway
from task_gateway.routing import exhausted
from task_gateway.routing.table import Slot

GATEWAY = InternalTaskGateway("tg", "gateways", "192.0.2.7", 20000, 20063)


def value(hint: str | None) -> Any:
    found = re.search(r"helm upgrade .* --reuse-values --set-json 'slots=(.*?)'", hint or "")
    assert found
    return json.loads(found[1])


@pytest.mark.parametrize(
    ("ports", "groups"),
    [
        (range(20000, 20003), [(20000, 6)]),
        ([21001, 20000, 21000, 20001, 20002], [(20000, 3), (21000, 4)]),
    ],
)
def test_the_last_group_is_doubled_and_the_others_are_kept(ports: Sequence[int], groups: list[tuple[int, int]]) -> None:
    slots = [Slot(port, f"tg-slot-{port}", "1", task="t") for port in ports]
    problem = exhausted.slots_taken(GATEWAY, "tasks", "Gateway gateways/tg", slots, slots, (), 1)
    assert value(problem.hint) == [{"namespace": "tasks", "start": start, "count": count} for start, count in groups]


def test_the_first_slots_begin_where_the_masters_range_does() -> None:
    problem = exhausted.no_slots(GATEWAY, "tasks", "Gateway gateways/tg")
    assert value(problem.hint) == [{"namespace": "tasks", "start": 20000, "count": 64}]
