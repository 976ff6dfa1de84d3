"""The status of a route for its current parents."""

import pytest

from task_gateway.model import Manifest
from task_gateway.reasons import Condition
from task_gateway.routing.gateway_api import not_accepted, reported_parents


def said_of(name: str, section: str | None, status: str) -> Manifest:
    parent = {"name": name} | ({"sectionName": section} if section else {})
    return {"parentRef": parent, "conditions": [{"type": "Accepted", "status": status}]}


@pytest.mark.parametrize(
    ("reported", "statuses"),
    [
        ([said_of("gw", "slot-20000", "True")], ["True"]),
        ([said_of("gw", "gone", "False"), said_of("gw", "slot-20000", "True")], ["True"]),
        ([said_of("other", "slot-20000", "False")], []),
        ([said_of("gw", None, "False")], []),
        ([], []),
    ],
)
def test_what_is_said_of_a_parent_that_is_no_more_is_left_out(reported: list[Manifest], statuses: list[str]) -> None:
    route = {"spec": {"parentRefs": [{"name": "gw", "sectionName": "slot-20000"}]}, "status": {"parents": reported}}
    found = reported_parents(route)
    assert [each["conditions"][0]["status"] for each in found] == statuses


def test_a_route_that_nobody_has_looked_at_has_none() -> None:
    assert reported_parents({"spec": {"parentRefs": [{"name": "gw"}]}}) == []


RESOLVED = {"parentRef": {"name": "gw"}, "conditions": [{"type": "ResolvedRefs", "status": "True"}]}
ANOTHER = {"controllerName": "example.com/another"}


@pytest.mark.parametrize(
    ("reported", "why"),
    [
        ([], Condition("Accepted")),
        (
            [{"parentRef": {"name": "gw"}, "conditions": [{"type": "ResolvedRefs", "status": "True"}]}],
            Condition("Accepted"),
        ),
        ([said_of("gw", None, "True")], None),
        ([said_of("gw", None, "False")], Condition("Accepted", "False")),
        ([said_of("gone", None, "False"), said_of("gw", None, "True")], None),
        ([said_of("gw", None, "False") | ANOTHER, said_of("gw", None, "True")], None),
    ],
)
def test_a_route_is_accepted_once_a_controller_says_so_of_its_parent(
    reported: list[Manifest], why: Condition | None
) -> None:
    route = {"spec": {"parentRefs": [{"name": "gw"}]}, "status": {"parents": reported}}
    assert not_accepted(route) == why


def test_only_the_named_controller_accepts_a_route() -> None:
    route = {"spec": {"parentRefs": [{"name": "gw"}]}, "status": {"parents": [said_of("gw", None, "True") | ANOTHER]}}
    assert not_accepted(route, "example.com/another") is None
    assert not_accepted(route, "example.com/own") == Condition("Accepted")
    assert not_accepted(None) == Condition("Accepted")
