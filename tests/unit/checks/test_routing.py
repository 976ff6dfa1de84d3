"""Checks of routes and slots, in states that are hard to create in a cluster."""

import pytest
from tests.unit.checks.objects import CONTOUR, Make, make_condition
from tests.unit.memory import slice_of, slot

from task_gateway.checks import routing
from task_gateway.checks.base import Finding
from task_gateway.model import InternalTaskGateway, ManagerLimits, Manifest


@pytest.mark.parametrize(("active", "result"), [(90, None), (91, "warning"), (99, "warning"), (100, "error")])
def test_little_headroom_warns_and_none_is_an_error(
    snapshot: Make, monkeypatch: pytest.MonkeyPatch, active: int, result: str | None
) -> None:
    limits = ManagerLimits("east", "east", "slots", "ns/gw", 100, active, 100 - active, "slots")
    monkeypatch.setattr(routing, "limits_of", lambda _: limits)
    said = routing.headroom(snapshot())
    assert (None if said is None else "warning" if said.warning else "error") == result


def route(*parents: Manifest, said: tuple[tuple[Manifest, str], ...] = ()) -> Manifest:
    status = [{"parentRef": parent, "conditions": [make_condition("Accepted", state)]} for parent, state in said]
    return {
        "metadata": {"name": "r", "namespace": "ns", "labels": LABELS},
        "spec": {"parentRefs": list(parents)},
        "status": {"parents": status},
    }


LABELS = {"task-gateway.dev/gateway": "gw", "task-gateway.dev/gateway-namespace": "ns"}
NEW, OLD = {"name": "set-0", "sectionName": "new"}, {"name": "set-0", "sectionName": "old"}


def test_a_route_counts_as_refused_by_the_parents_that_it_names(snapshot: Make) -> None:
    def accepted(*said: tuple[Manifest, str]) -> Finding | None:
        return routing.accepted(snapshot(routes=[route(NEW, said=said)]))

    assert accepted((NEW, "True"), (OLD, "False")) is None
    assert accepted((NEW, "False"), (OLD, "True")) == Finding("TCPRoute r: Because: so")
    assert accepted((OLD, "True")) == Finding("TCPRoute r: no controller has processed it")


THEIRS, OWN = {"controllerName": "example.com/other"}, {"controllerName": "example.com/own"}


@pytest.mark.parametrize(
    ("known", "states", "trouble"),
    [
        (True, [(THEIRS, "False"), (OWN, "True")], None),
        (True, [(THEIRS, "True"), (OWN, "False")], "TCPRoute r: Because: so"),
        (True, [(THEIRS, "True")], "TCPRoute r: no controller has processed it"),
        (False, [(THEIRS, "False"), (OWN, "True")], None),
        (False, [(THEIRS, "False"), (OWN, "False")], "TCPRoute r: Because: so"),
    ],
    ids=["own accepts", "own refuses", "own is silent", "class unreadable, one accepts", "class unreadable, none does"],
)
def test_only_the_controller_of_the_class_counts(
    snapshot: Make, known: bool, states: list[tuple[Manifest, str]], trouble: str | None
) -> None:
    refs = [{"parentRef": NEW, "conditions": [make_condition("Accepted", state)], **whose} for whose, state in states]
    seen = route(NEW) | {"status": {"parents": refs}}
    said = routing.accepted(snapshot(routes=[seen], controller=OWN["controllerName"] if known else None))
    assert said == (None if trouble is None else Finding(trouble))


def test_only_the_first_three_are_named(snapshot: Make) -> None:
    refused = [route(NEW, said=((NEW, "False"),)) for _ in range(5)]
    said = routing.accepted(snapshot(routes=refused))
    assert said is not None
    assert said.message.endswith("; TCPRoute r: Because: so, and 2 more")


SLOT = slot(2000)
MINE = {"metadata": {"name": "a1", "labels": {"task-gateway.dev/task": "t1"}}}
LEFT = slice_of("gw-slot-2000", "a1", "10.0.0.7")


def selecting(task: str, **notes: str) -> Manifest:
    return slot(2000, selector={"task-gateway.dev/task": task}, **notes)


@pytest.mark.parametrize(
    ("service", "slices", "message", "fix"),
    [
        (SLOT, [], None, ""),
        (SLOT, [LEFT], "port 2000 is free but reaches Pod a1 (10.0.0.7), the claim of task t1 is gone", ""),
        (SLOT, [slice_of("gw-slot-2000", "", "10.0.0.7")], "port 2000 is free but reaches 10.0.0.7", ""),
        (selecting("released.2000"), [LEFT], None, ""),
        (
            selecting("released.2000"),
            [slice_of("gw-slot-2000", "other", "10.0.0.7", managed=False)],
            "port 2000 is free but reaches Pod other (10.0.0.7)",
            "kubectl delete endpointslices --namespace ns gw-slot-2000-x",
        ),
        (slot(2000, claimed_by="t1"), [LEFT], "port 2000 selects no task, not t1", ""),
        (selecting("t2", claimed_by="t1"), [], "port 2000 selects t2, not t1", ""),
        (selecting("t1", claimed_by="t1"), [LEFT], None, ""),
    ],
)
def test_a_slot_leads_to_its_own_task_or_to_none(
    snapshot: Make, service: Manifest, slices: list[Manifest], message: str | None, fix: str
) -> None:
    said = routing.selectors(snapshot("slots", slots=[service], slices=slices, pods=[MINE]))
    assert said == (None if message is None else Finding(message, fix=fix))


def test_contours_colliding_ports_are_kept(snapshot: Make) -> None:
    assert routing.reserved(snapshot("slots", controller=CONTOUR)) is None
    high = InternalTaskGateway("gw", "ns", "192.0.2.7", 58000, 59100)
    said = routing.reserved(snapshot("slots", gateway=high, controller=CONTOUR))
    assert said == Finding("78 ports, 59023 to 59100", warning=True)
