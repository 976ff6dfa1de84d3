"""What a route's status says of the parents that it has, and what of Gateway API a controller is known to lack."""

from typing import Any

import pytest

from task_gateway.errors import Forbidden, UsageError
from task_gateway.model import InternalTaskGateway, Manifest, Task
from task_gateway.reasons import Condition
from task_gateway.routing.base import STRATEGIES
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


class OfClass:
    """An API server with a Gateway that takes ListenerSets, of a class of that controller; None: none is to be seen."""

    def __init__(self, controller: str | None) -> None:
        self._controller = controller

    def served(self, _kind: str) -> bool:
        return True

    def list(self, *_: object) -> list[Manifest]:
        return []

    def get(self, *_: object) -> Manifest:
        return {"spec": {"gatewayClassName": "klass", "allowedListeners": {"namespaces": {"from": "Same"}}}}

    def find(self, _kind: str, name: str) -> Manifest | None:
        assert name == "klass"
        if self._controller is None:
            raise Forbidden("no", where=name)
        return {"spec": {"controllerName": self._controller}} if self._controller else None


def test_a_task_that_wants_a_listener_set_of_contour_is_refused_before_anything_is_made() -> None:
    kube: Any = OfClass("projectcontour.io/gateway-controller")
    gateway = InternalTaskGateway("gw", "ns", "192.0.2.7", 20000, 20009)
    with pytest.raises(UsageError, match="the controller of Gateway ns/gw has no ListenerSets") as refused:
        STRATEGIES.get("listenersets")(kube, gateway, "ns").expose(Task("one", "ns", (8888,)))
    assert refused.value.hint == "use the strategy slots, or listeners"
