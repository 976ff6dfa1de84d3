"""The installations that a command line selects."""

from dataclasses import replace
from itertools import pairwise

import pytest

from task_gateway.controllers.base import in_order as controllers
from task_gateway.errors import UsageError
from task_gateway_lab.bench import combos


def test_without_a_wish_all_that_is_declared_is_measured() -> None:
    assert combos.chosen([], [], [], None) == combos.table()


def test_a_wish_leaves_the_rest_out_and_changes_samples() -> None:
    found = combos.chosen(["contour"], ["slots"], [], 5)
    assert {(each.controller, each.strategy, each.samples) for each in found} == {("contour", "slots", 5)}
    assert {each.slots for each in found} == {combos.SMALL, combos.LARGE}


@pytest.mark.parametrize(("sizes", "slots"), [([63], 64), ([5, 2, 5], 64), ([64], 1024), ([10, 1000], 1024)])
def test_sizes_of_the_callers_own_take_one_installation_with_room_for_one_more(sizes: list[int], slots: int) -> None:
    (found,) = combos.chosen(["envoy-gateway"], ["slots"], sizes, None)
    assert found.sizes == tuple(sorted(set(sizes)))
    assert found.slots == slots > max(sizes)


def test_the_operator_is_measured_as_slots_are() -> None:
    for controller in controllers():
        slots, operator = (combos.chosen([controller.name], [name], [], None) for name in ("slots", "operator"))
        assert [replace(each, strategy="slots") for each in operator] == slots
        assert {(each.slots, each.sizes[-1]) for each in operator} == {(64, 63), (1024, 1000)}


@pytest.mark.parametrize("controller", [each.name for each in controllers()])
def test_slots_and_operator_share_each_installation(controller: str) -> None:
    rows = combos.chosen([controller], [], [], None)
    again = [(a.strategy, b.strategy) for a, b in pairwise(rows) if b.same_installation(a)]
    assert again == [("slots", "operator")] * 2
    small, listeners = rows[0], next(each for each in rows if each.strategy == "listeners")
    assert not listeners.same_installation(replace(listeners, strategy="slots"))
    assert not small.same_installation(replace(small, slots=combos.LARGE))
    assert not small.same_installation(replace(small, controller="other"))
    assert not listeners.same_installation(listeners)


def test_strategies_that_build_nothing_have_one_slot() -> None:
    assert {each.slots for each in combos.table() if each.strategy == "listeners"} == {1}
    assert [each.slots for each in combos.installations(["contour"], ["listeners"], 100)] == [1]


@pytest.mark.parametrize(("tasks", "slots"), [(63, [64]), (64, [200, 1024]), (199, [200, 1024]), (200, [1024])])
def test_a_burst_goes_to_as_many_slots_as_are_built_where_it_fits(tasks: int, slots: list[int]) -> None:
    found = [(each.strategy, each.slots) for each in combos.bursts(["contour"], [], tasks)]
    assert found == [(name, number) for number in slots for name in ("slots", "operator")]
    assert [each.slots for each in combos.bursts(["envoy-gateway"], ["listeners"], tasks)] == [1]


@pytest.mark.parametrize(
    ("controllers", "strategies", "sizes", "says"),
    [
        (["nginx"], [], [], "nothing is measured with nginx"),
        ([], ["listenersets"], [], "the strategy 'listenersets' was removed"),
        (["contour"], ["slot"], [], "no strategy is called 'slot'"),
        (["contour"], ["operators"], [], "no strategy is called 'operators'"),
        ([], [], [1024], "tasks in place: 0 to 1023, not 1024"),
        ([], [], [-1], "not -1"),
    ],
)
def test_what_cannot_be_measured_is_refused(
    controllers: list[str], strategies: list[str], sizes: list[int], says: str
) -> None:
    with pytest.raises(UsageError, match=says):
        combos.chosen(controllers, strategies, sizes, None)


def test_no_port_is_a_slots_and_a_tasks() -> None:
    assert combos.FIRST_PORT + combos.LARGE <= combos.FIRST_TASK_PORT
    assert max(max(each.sizes) for each in combos.table()) + 16 <= combos.TASK_PORTS
