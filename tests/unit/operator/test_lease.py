"""The election, with a clock that the test moves: unfinished work is queued again."""

import threading
from collections.abc import Iterator
from typing import Any, cast

import pytest

from task_gateway.kube.client import Kube
from task_gateway.model import Manifest
from task_gateway.operator import lease
from task_gateway.operator.lease import RENEW_SECONDS, Elector
from task_gateway.settings import Settings


class FakeServer:
    """An API server with one Lease; `slow` moves the clock while the next renewal is on its way."""

    def __init__(self) -> None:
        self.settings = Settings()
        self.now, self.version, self.slow = 100.0, 1, 0.0
        self.held: Manifest | None = None
        self.renewed, self.ended = threading.Semaphore(0), threading.Event()

    def snapshot(self, *_: Any, **__: Any) -> tuple[list[Manifest], str]:
        return [] if self.held is None else [self.held], str(self.version)

    def watch(self, *_: Any, **__: Any) -> Iterator[tuple[str, Manifest]]:
        self.ended.wait(30)
        yield from ()

    def create(self, body: Manifest) -> Manifest:
        return self.replace(body)

    def replace(self, body: Manifest) -> Manifest:
        self.now += self.slow
        self.version += 1
        self.held = body | {"metadata": body["metadata"] | {"resourceVersion": str(self.version)}}
        self.renewed.release()
        return self.held


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeServer]:
    made = FakeServer()
    monkeypatch.setattr(lease, "monotonic", lambda: made.now)
    monkeypatch.setattr(lease, "RETRY_SECONDS", 0.01)
    yield made
    made.ended.set()


@pytest.mark.parametrize(("slow", "again"), [(0.0, False), (RENEW_SECONDS - 1, True)])
def test_a_renewal_that_comes_late_has_all_work_looked_at_again(server: FakeServer, slow: float, again: bool) -> None:
    """The Lease had ended while it was renewed: what was woken in between was not worked on."""
    told: list[bool] = []
    leads = threading.Semaphore(0)

    def lead(each: bool) -> None:
        told.append(each)
        leads.release()

    elector = Elector(cast(Kube, server), "home", "l", "me", lead)
    elector.start()
    assert leads.acquire(timeout=10)
    server.slow = slow
    server.now += 2.0
    for _ in range(3):
        assert server.renewed.acquire(timeout=10)
    server.slow = 0.0
    if again:
        assert leads.acquire(timeout=10)
    elector.stop(1)
    assert elector.leads is False
    assert (told.count(True) > 1) is again
