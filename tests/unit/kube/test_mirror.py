"""The mirror: an older state never replaces a newer one, from any source."""

import queue
import time
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest

from task_gateway.errors import ApiError, ClusterUnreachable
from task_gateway.kube import mirror as mirrors
from task_gateway.kube.client import Kube
from task_gateway.kube.mirror import Mirror
from task_gateway.model import Manifest
from task_gateway.settings import Settings

Event = tuple[str, Manifest] | Exception


def obj(name: str, version: int, value: str = "") -> Manifest:
    return {"metadata": {"name": name, "namespace": "n", "resourceVersion": str(version)}, "value": value}


class FakeServer:
    """A fake API server for a mirror; the test sets the events of each watch."""

    def __init__(self) -> None:
        self.settings = Settings(watch_pause_seconds=0.001)
        self.there: list[Manifest] = []
        self.version = 1
        self.events: queue.Queue[Event | None] = queue.Queue()
        self.watched_from: list[str] = []
        self.snapshots = 0
        self.pages: list[int] = []

    def snapshot(self, *_: Any, **__: Any) -> tuple[list[Manifest], str]:
        self.snapshots += 1
        return list(self.there), str(self.version)

    def paged(
        self, _kind: str, _namespace: str, read: Callable[[Manifest], Any], *, page: int, **_: Any
    ) -> tuple[list[Any], str]:
        self.pages.append(page)
        return [read(each) for each in self.there], str(self.version)

    def watch(self, *_: Any, version: str, **__: Any) -> Iterator[tuple[str, Manifest]]:
        self.watched_from.append(version)
        while (event := self.events.get()) is not None:
            if isinstance(event, Exception):
                raise event
            yield event


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


@pytest.fixture
def mirror(server: FakeServer) -> Iterator[Mirror[str]]:
    made: Mirror[str] = Mirror(cast(Kube, server), "v1/Service", "n", lambda each: each["value"] or None)
    yield made
    made.close()
    server.events.put(None)


def until(seen: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not seen():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_until_it_follows_each_read_asks(server: FakeServer, mirror: Mirror[str]) -> None:
    assert mirror.read() == []
    server.there = [obj("a", 1, "one"), obj("b", 1)]
    assert mirror.read() == ["one"]


def test_it_follows_changes_and_asks_no_more(server: FakeServer, mirror: Mirror[str]) -> None:
    server.there, server.version = [obj("a", 1, "one")], 5
    mirror.follow()
    server.events.put(("ADDED", obj("b", 6, "two")))
    server.events.put(("MODIFIED", obj("a", 7, "three")))
    until(lambda: sorted(mirror.read()) == ["three", "two"])
    server.events.put(("DELETED", obj("b", 8, "two")))
    until(lambda: mirror.read() == ["three"])
    assert (server.snapshots, server.watched_from) == (1, ["5"])


def test_a_write_is_seen_at_once_and_an_older_event_does_not_undo_it(server: FakeServer, mirror: Mirror[str]) -> None:
    server.there = [obj("a", 1, "old")]
    mirror.follow()
    assert mirror.keep(obj("a", 9, "mine")) == "mine"
    server.events.put(("MODIFIED", obj("a", 8, "late")))
    server.events.put(("ADDED", obj("mark", 10, "mark")))
    until(lambda: "mark" in mirror.read())
    assert mirror.read() == ["mine", "mark"]


def test_the_late_answer_of_a_write_brings_nothing_back(server: FakeServer, mirror: Mirror[str]) -> None:
    server.there = [obj("a", 1, "old")]
    mirror.follow()
    server.events.put(("DELETED", obj("a", 7, "old")))
    until(lambda: mirror.read() == [])
    mirror.keep(obj("a", 6, "late"))
    assert mirror.read() == []


def test_what_was_dropped_comes_back_only_when_it_is_made_again(server: FakeServer, mirror: Mirror[str]) -> None:
    server.there = [obj("a", 4, "old")]
    mirror.follow()
    mirror.drop("n", "a", "4")
    assert mirror.read() == []
    mirror.keep(obj("a", 9, "new"))
    mirror.drop("n", "a", "4")
    assert mirror.read() == ["new"]


def test_after_a_lost_connection_the_watch_goes_on_where_it_was(server: FakeServer, mirror: Mirror[str]) -> None:
    server.version = 5
    mirror.follow()
    server.events.put(("BOOKMARK", obj("", 8)))
    server.events.put(ClusterUnreachable("gone"))
    server.events.put(("ADDED", obj("b", 9, "two")))
    until(lambda: mirror.read() == ["two"])
    assert (server.snapshots, server.watched_from) == (1, ["5", "8"])


def test_a_version_that_is_too_old_has_everything_read_again(server: FakeServer, mirror: Mirror[str]) -> None:
    server.there = [obj("a", 1, "one"), obj("b", 1, "two")]
    mirror.follow()
    server.there, server.version = [obj("b", 1, "two")], 50
    server.events.put(ApiError("too old", status=410))
    until(lambda: mirror.read() == ["two"])
    mirror.keep(obj("a", 49, "late"))
    assert mirror.read() == ["two"]
    assert server.watched_from[-1] == "50"


def test_the_errors_of_the_first_reading_are_the_callers(server: FakeServer, mirror: Mirror[str]) -> None:
    def refuse(*_: Any, **__: Any) -> tuple[list[Manifest], str]:
        raise ClusterUnreachable("gone")

    server.snapshot = refuse  # type: ignore[method-assign]
    with pytest.raises(ClusterUnreachable):
        mirror.follow()


def test_each_change_is_told_once_with_what_was_before(server: FakeServer) -> None:
    seen: list[tuple[str | None, str | None]] = []
    mirror: Mirror[str] = Mirror(
        cast(Kube, server),
        "v1/Service",
        "n",
        lambda each: each["value"] or None,
        changed=lambda before, after: seen.append((before, after)),
    )
    server.there = [obj("a", 1, "one")]
    mirror.follow()
    server.events.put(("MODIFIED", obj("a", 2, "one")))
    server.events.put(("MODIFIED", obj("a", 3, "two")))
    server.events.put(("DELETED", obj("a", 4, "two")))
    until(lambda: len(seen) == 3)
    assert seen == [(None, "one"), ("one", "two"), ("two", None)]
    assert mirror.restarts == 0
    server.events.put(ClusterUnreachable("gone"))
    until(lambda: mirror.restarts == 1)
    mirror.close()
    server.events.put(None)


def test_of_many_objects_that_went_only_the_last_are_remembered(
    server: FakeServer, mirror: Mirror[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirrors, "GONE_KEPT", 2)
    mirror.follow()
    for version in range(1, 20, 2):
        server.events.put(("ADDED", obj(f"p-{version}", version, "x")))
        server.events.put(("DELETED", obj(f"p-{version}", version + 1, "x")))
    server.events.put(("ADDED", obj("mark", 50, "mark")))
    until(lambda: mirror.read() == ["mark"])
    assert len(mirror._seen) == 3


def test_with_pages_it_reads_so_many_at_a_time(server: FakeServer) -> None:
    mirror: Mirror[str] = Mirror(cast(Kube, server), "v1/Pod", "n", lambda each: each["value"], page=250)
    server.there = [obj("a", 1, "one")]
    mirror.follow()
    assert (mirror.read(), server.pages, server.snapshots) == (["one"], [250], 0)
    mirror.close()
    server.events.put(None)


def test_another_mirror_is_read_again_before_what_was_read_is_noted(server: FakeServer) -> None:
    noted: list[str] = []
    made: Mirror[str] = Mirror(
        cast(Kube, server),
        "v1/Pod",
        "n",
        lambda each: each["value"] or None,
        changed=lambda _, after: noted.append(str(after)),
        listed=lambda: noted.append("listed"),
    )
    made.read_again()
    assert noted == []  # it follows nothing yet
    server.there = [obj("a", 1, "one")]
    made.follow()
    server.there, server.version = [obj("a", 40, "two")], 50
    server.events.put(ApiError("too old", status=410))
    until(lambda: noted == ["listed", "one", "listed", "two"])
    made.close()
    server.events.put(None)
