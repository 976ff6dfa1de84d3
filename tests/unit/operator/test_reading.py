"""The order in which an operator reads, and that it leaves a changed pod to its watch."""

import threading
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
from tests.unit.operator.simulation import ALLOWED, GATEWAY, made

from task_gateway.errors import ApiError, Conflict, NotFound
from task_gateway.kube.client import Kube
from task_gateway.kube.kinds import JOB, POD, SERVICE
from task_gateway.model import Manifest
from task_gateway.operator.metrics import Metrics
from task_gateway.operator.namespaces import Followed
from task_gateway.settings import Settings


class FakeServer:
    """An API server without objects; the watch of pods is refused once, because its version is too old."""

    def __init__(self) -> None:
        self.settings = Settings(watch_pause_seconds=0.001)
        self.read: list[str] = []
        self.refuses = threading.Event()
        self.ended = threading.Event()
        self.error: ApiError = Conflict("changed", status=409)

    def paged(self, kind: str, *_: Any, **__: Any) -> tuple[list[Any], str]:
        self.read.append(kind)
        return [], "1"

    def watch(self, kind: str, *_: Any, **__: Any) -> Iterator[tuple[str, Manifest]]:
        if kind == POD and len(self.read) == len((JOB, POD, SERVICE)):
            self.refuses.wait(10)
            raise ApiError("too old", status=410)
        self.ended.wait(10)
        yield from ()

    def patch(self, *_: Any, **__: Any) -> Manifest:
        raise self.error


@pytest.fixture
def server() -> Iterator[FakeServer]:
    made = FakeServer()
    yield made
    made.refuses.set()
    made.ended.set()


def followed(server: FakeServer, wake: Callable[[Any], object]) -> Followed:
    return Followed(cast(Kube, server), GATEWAY, "tasks", ALLOWED, Metrics(), lambda *_: None, wake)


def test_slots_are_read_last_and_again_with_all_pods(server: FakeServer) -> None:
    space = followed(server, lambda _: None)
    space.follow()
    assert server.read == [JOB, POD, SERVICE]
    server.refuses.set()
    while len(server.read) < 5:
        server.ended.wait(0.001)
    assert server.read[3:] == [POD, SERVICE]
    space.close()


@pytest.mark.parametrize("error", [Conflict("changed", status=409), NotFound("gone", status=404)])
def test_a_pod_that_changed_is_not_read_and_not_tried_again(server: FakeServer, error: ApiError) -> None:
    server.error, woken = error, list[Any]()
    space = followed(server, woken.extend)
    space.space.note_pod(None, made("a", "u-a", "none"))
    assert space.space.step("u-a") is not None
    assert space.actor.work("u-a", lambda: True)
    assert server.read == woken == []
    assert "task_gateway_operator_retries_total 1" in space.actor._metrics.text({}, leader=True, watch_restarts=0)
