"""The object that prevents a task from being reachable is found by conditions and ports, never by a sentence."""

import itertools
from typing import Any, cast

import pytest

from task_gateway.errors import NotReachable
from task_gateway.kube.client import Kube
from task_gateway.kube.kinds import ENDPOINT_SLICE, POD
from task_gateway.model import Address, Exposure, InternalTaskGateway, Manifest
from task_gateway.reasons import Condition
from task_gateway.routing import reach, readiness
from task_gateway.routing.gateway_api import GATEWAY, ROUTES
from task_gateway.routing.reach import Answer
from task_gateway.settings import Wait

BLOCK = InternalTaskGateway("gw", "gateways", "192.0.2.7", 20000, 20001)
ADDRESS = Address("192.0.2.7", 20000)
EXPOSED = [Exposure("t", "tasks", "", "", 20000, 8888, "slots", ADDRESS, service="task-20000")]
ROUTE = "TCPRoute tasks/task-20000"
GATE = "Gateway gateways/gw"


def make_condition(type: str, status: str) -> Manifest:
    return {"type": type, "status": status, "reason": "Because", "message": "so"}


class FakeCluster:
    """The objects of one task, each with the conditions that a test gives it."""

    def __init__(self, pod: str = "True", gateway: str = "True", **route: str) -> None:
        parent = {"name": "gw"}
        conditions = [make_condition(type, status) for type, status in route.items()]
        self.pod = {"metadata": {"name": "pod"}, "status": {"conditions": [make_condition("Ready", pod)]}}
        self.there: dict[str, Manifest] = {
            GATEWAY: {
                "metadata": {},
                "spec": {},
                "status": {
                    "conditions": [make_condition("Programmed", gateway)],
                    "addresses": [{"type": "IPAddress", "value": "192.0.2.7"}],
                },
            },
            ROUTES[0]: {
                "metadata": {},
                "spec": {"parentRefs": [parent]},
                "status": {"parents": [{"parentRef": parent, "conditions": conditions}]},
            },
        }

    def served(self, kind: str) -> bool:
        return kind in self.there

    def find(self, kind: str, *_: object) -> Manifest | None:
        return self.there.get(kind)

    def watch(self, kind: str, *_: object, **__: object) -> list[tuple[str, Manifest]]:
        there: dict[str, Manifest] = {POD: self.pod, ENDPOINT_SLICE: {"metadata": {"name": "es"}, "endpoints": [{}]}}
        return [("ADDED", there[kind])]


def blamed(cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch, answer: Answer) -> NotReachable:
    """Return the error of a wait for a port that answers like this."""

    def shut(address: Address, wait: Wait, *, tls: bool, **_: object) -> None:
        raise wait.timed_out(str(address), seen=answer)

    monkeypatch.setattr(reach, "wait_until_open", shut)
    monkeypatch.setattr(readiness, "monotonic", itertools.count().__next__)  # each look takes a second
    wait = Wait("w", "it is reached", 20)
    with pytest.raises(NotReachable) as late:
        readiness.wait_until_reached(cast(Kube, cluster), BLOCK, "tasks", "t", EXPOSED, wait, tls=False)
    return late.value


ACCEPTED: dict[str, Any] = {"Accepted": "True", "ResolvedRefs": "True"}


@pytest.mark.parametrize(
    ("cluster", "answer", "where", "seen"),
    [
        (
            FakeCluster(gateway="False", **ACCEPTED),
            Answer.REFUSED,
            GATE,
            Condition("Programmed", "False", "Because", "so"),
        ),
        (FakeCluster(Accepted="False"), Answer.REFUSED, ROUTE, Condition("Accepted", "False", "Because", "so")),
        (FakeCluster(**ACCEPTED), Answer.REFUSED, GATE, Answer.REFUSED),
        (FakeCluster(**ACCEPTED), Answer.UNREACHABLE, GATE, Answer.UNREACHABLE),
        (FakeCluster(**ACCEPTED), Answer.CLOSED, "Service tasks/task-20000", Answer.CLOSED),
        (
            FakeCluster(Accepted="True", ResolvedRefs="False"),
            Answer.CLOSED,
            ROUTE,
            Condition("ResolvedRefs", "False", "Because", "so"),
        ),
    ],
)
def test_the_object_in_the_way_is_found_whatever_the_words(
    monkeypatch: pytest.MonkeyPatch, cluster: FakeCluster, answer: Answer, where: str, seen: Condition | Answer
) -> None:
    monkeypatch.setattr(Condition, "__str__", lambda _: "in other words")
    found = blamed(cluster, monkeypatch, answer)
    assert (found.where, found.seen) == (where, seen)


def test_a_pod_that_is_not_ready_is_told_with_its_condition(monkeypatch: pytest.MonkeyPatch) -> None:
    found = blamed(FakeCluster(pod="False"), monkeypatch, Answer.CLOSED)
    assert found.seen == Condition("Ready", "False", "Because", "so")
    assert found.last_state == "pod: Ready is False (Because): so"
    assert found.where == "Pod of task t in namespace tasks"
