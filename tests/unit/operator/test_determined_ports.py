"""The ports of a Determined master's lane: the next step for each, in every order of events from the watches."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import permutations

import pytest

from task_gateway.operator.determined.ports import ClaimForRoute, LanePorts, ReleaseFromRoute, next_step
from task_gateway.routing import determined_lane
from task_gateway.routing.determined_lane import LaneSlot, Route

NOW = datetime(2026, 1, 2, tzinfo=UTC)
FREE = LaneSlot(24000, "gw-lane-24000", "1")
ROUTE = Route("one-0", "uid-1", "one.1", (24000,), 8888, "2026-01-01T00:00:00Z")
LED = replace(
    FREE, version="2", allocation="one.1", route="uid-1", target=8888, selector=(("determined", "one.1"),)
)  # fmt: skip
RELEASED = replace(FREE, version="3", selector=(("task-gateway.dev/task", "released.24000"),))


@pytest.mark.parametrize(
    ("slot", "route", "step"),
    [
        (FREE, None, None),
        (RELEASED, None, None),
        (FREE, ROUTE, ClaimForRoute(FREE, ROUTE)),
        (RELEASED, ROUTE, ClaimForRoute(RELEASED, ROUTE)),
        (LED, ROUTE, None),
        (LED, None, ReleaseFromRoute(LED)),
        (LED, replace(ROUTE, uid="uid-2"), ClaimForRoute(LED, replace(ROUTE, uid="uid-2"))),
        (replace(LED, target=1), ROUTE, ClaimForRoute(replace(LED, target=1), ROUTE)),
        (replace(LED, external=True), ROUTE, ClaimForRoute(replace(LED, external=True), ROUTE)),
        (replace(RELEASED, external=True), None, ReleaseFromRoute(replace(RELEASED, external=True))),
    ],
)
def test_what_is_next(slot: LaneSlot, route: Route | None, step: ClaimForRoute | ReleaseFromRoute | None) -> None:
    assert next_step(slot, route) == step


@pytest.mark.parametrize("selector", [(("determined", "two"),), (("app", "x"), ("determined", "one.1")), ()])
def test_a_selector_that_is_not_that_of_the_claim_is_written_again(selector: tuple[tuple[str, str], ...]) -> None:
    changed = replace(LED, selector=selector)
    assert next_step(changed, ROUTE) == ClaimForRoute(changed, ROUTE)
    assert next_step(changed, None) == ReleaseFromRoute(changed)


@pytest.mark.parametrize("order", list(permutations(("slot", "route", "held"))))
def test_the_order_of_the_watches_does_not_matter(order: tuple[str, ...]) -> None:
    ports = LanePorts()
    notes = {
        "slot": lambda: ports.note_slot(None, FREE),
        "route": lambda: ports.note_route(None, ROUTE),
        "held": lambda: ports.note_held({24000: "one.1", 24001: "left"}),
    }
    for number, each in enumerate(order):
        assert ports.step(24000) is None
        assert 24000 in notes[each](), number
    assert ports.step(24000) == ClaimForRoute(FREE, ROUTE)
    assert ports.complete("one.1")
    assert not ports.complete("left")
    assert not ports.complete("unknown")


def test_the_port_of_the_next_allocation_waits_for_its_own_route() -> None:
    ports = LanePorts()
    ports.note_slot(None, LED)
    ports.note_route(None, ROUTE)
    ports.note_held({24000: "one.1"})
    assert ports.step(24000) is None
    assert ports.note_held({24000: "two.1"}) == {24000}  # the watch of routes is behind
    assert ports.step(24000) == ReleaseFromRoute(LED)
    ports.note_route(ROUTE, None)
    following = replace(ROUTE, name="two-0", uid="uid-2", allocation="two.1")
    ports.note_route(None, following)
    assert ports.step(24000) == ClaimForRoute(LED, following)


def test_of_two_routes_of_one_allocation_the_oldest_has_the_port() -> None:
    ports = LanePorts()
    ports.note_slot(None, FREE)
    ports.note_held({24000: "one.1"})
    later = replace(ROUTE, name="a", uid="uid-9", created="2026-01-01T00:00:01Z", target=22)
    for each in (later, ROUTE):
        ports.note_route(None, each)
    assert ports.step(24000) == ClaimForRoute(FREE, ROUTE)
    ports.note_route(ROUTE, None)
    assert ports.step(24000) == ClaimForRoute(FREE, later)


def test_counts_and_everything() -> None:
    ports = LanePorts()
    ports.note_slot(None, LED)
    ports.note_slot(None, replace(FREE, port=24002))
    ports.note_held({24000: "one.1", 24009: "far"})
    ports.note_route(None, ROUTE)
    ports.note_route(None, replace(ROUTE, name="far-0", uid="uid-9", allocation="far", ports=(24009,)))
    assert (ports.counts().exposed, ports.counts().missing) == (1, 1)
    assert ports.everything() == {24000, 24002, 24009}
    assert ports.allocations([24000, 24009]) == {"one.1", "far"}
    assert ports.step(24009) is None  # no slot


def test_a_patch_leaves_nothing_else_in_the_selector() -> None:
    changed = replace(LED, selector=(("app", "x"), ("determined", "two")))
    claimed = determined_lane.claim(changed, ROUTE, NOW)
    assert claimed["spec"]["selector"] == {"app": None, "determined": "one.1"}
    assert claimed["metadata"]["resourceVersion"] == "2"
    released = determined_lane.release(changed, NOW)
    assert released["spec"]["selector"] == {
        "app": None, "determined": None, "task-gateway.dev/task": "released.24000",
    }  # fmt: skip
