"""A local copy of objects of one kind, kept by a watch. Reading it sends no request."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from task_gateway.errors import ApiError, TaskGatewayError
from task_gateway.kube.client import Kube
from task_gateway.model import Manifest
from task_gateway.settings import Settings

T = TypeVar("T")
GONE = 410  # the API server no longer has the version to continue from
GONE_KEPT = 1000
"""How many deleted objects are remembered, so late responses of writes do not restore them."""
Key = tuple[str, str]
Changed = Callable[[T | None, T | None], object]
"""Called with the old and the new value of an object if they differ; None if it does not exist, or is not ours."""


class Mirror(Generic[T]):
    """The matching objects, each parsed by `parse`; objects for which it returns None are left out.

    Before `follow`, every `read` sends a request. After it, a thread keeps the copy, and `keep` notes this process's
    own writes at once. An older state never replaces a newer one.
    `changed` is called in the thread that noted a change, in the order of the changes; it must not read a mirror.
    `listed` is called after each complete read, before any object is noted. With `page` the first read requests that
    many objects at a time, which limits its memory.
    """

    def __init__(
        self,
        kube: Kube,
        kind: str,
        namespace: str | None,
        parse: Callable[[Manifest], T | None],
        *,
        name: str | None = None,
        labels: str = "",
        changed: Changed[T] | None = None,
        listed: Callable[[], object] = lambda: None,
        page: int | None = None,
        settings: Settings | None = None,
    ) -> None:
        self._kube, self._kind, self._namespace, self._parse = kube, kind, namespace, parse
        self._name, self._labels = name, labels
        self._changed, self._listed, self._page = changed, listed, page
        self._settings = kube.settings if settings is None else settings
        self._lock = threading.RLock()
        self._closed = threading.Event()
        self._following = False
        self._seen: dict[Key, tuple[int, T | None]] = {}
        """Version and value by object; the value is None for an object that is deleted or not ours."""
        self._gone: deque[Key] = deque()
        self.restarts = 0
        """The number of times that the watch was restarted after an error."""

    def read(self) -> list[T]:
        """Return the current objects or, after `follow`, their state some milliseconds ago."""
        if not self._following:
            found, _ = self._snapshot(lambda obj: (obj, self._parse(obj)))
            return [value for _, value in found if value is not None]
        with self._lock:
            return [value for _, value in self._seen.values() if value is not None]

    def find(self, wanted: Callable[[T], bool]) -> list[T]:
        """Return the wanted objects. If the copy has none, read again, because other clients may have created some."""
        found = [value for value in self.read() if wanted(value)]
        if found or not self._following:
            return found
        self.read_again()
        return [value for value in self.read() if wanted(value)]

    def keep(self, obj: Manifest) -> T | None:
        """Note the response of a write, and return it parsed."""
        value = self._parse(obj)
        self._note(_key(obj), _version(obj), value)
        return value

    def drop(self, namespace: str, name: str, version: str) -> None:
        """Note the deletion of an object with that last version; a newer object of the same name is kept."""
        if self._seen.get((namespace, name), (0, None))[0] <= int(version):
            self._note((namespace, name), int(version), None)

    def follow(self) -> None:
        """Read everything once and start to watch it. Errors of that read are raised."""
        if self._following or self._closed.is_set():
            return
        version = self._refresh()
        self._following = True
        name = f"follows {self._kind} of {self._namespace or 'all namespaces'}"
        threading.Thread(target=self._run, args=(version,), name=name, daemon=True).start()

    def read_again(self) -> None:
        """After `follow`, read everything once more, to include all changes until now."""
        if self._following:
            self._refresh()

    def close(self) -> None:
        """End the thread at its next event. The copy must not be read afterwards."""
        self._closed.set()
        self._following = False

    def _run(self, version: str | None) -> None:
        while not self._closed.is_set():
            try:
                if version is None:
                    version = self._refresh()
                for event, obj in self._events(version):
                    if self._closed.is_set():
                        return
                    version = obj["metadata"]["resourceVersion"]
                    if event != "BOOKMARK":
                        self._note(_key(obj), _version(obj), None if event == "DELETED" else self._parse(obj))
            except ApiError as refused:
                version = None if refused.status == GONE else version
                self._pause()
            except TaskGatewayError:
                self._pause()

    def _pause(self) -> None:
        self.restarts += 1
        self._closed.wait(self._settings.watch_pause_seconds)

    def _events(self, version: str) -> Iterator[tuple[str, Manifest]]:
        return self._kube.watch(
            self._kind,
            self._namespace,
            name=self._name,
            labels=self._labels,
            seconds=self._settings.watch_seconds,
            version=version,
        )

    def _refresh(self) -> str:
        found, version = self._snapshot(lambda obj: (_key(obj), _version(obj), self._parse(obj)))
        self._listed()
        there = {key for key, *_ in found}
        with self._lock:
            gone = [key for key, (seen, _) in self._seen.items() if key not in there and seen <= int(version)]
        for key in gone:
            self._note(key, int(version), None)
        for each in found:
            self._note(*each)
        return version

    def _snapshot(self, read: Callable[[Manifest], "_Read"]) -> "tuple[list[_Read], str]":
        if self._page is not None:
            return self._kube.paged(self._kind, self._namespace, read, labels=self._labels, page=self._page)
        found, version = self._kube.snapshot(self._kind, self._namespace, name=self._name, labels=self._labels)
        return [read(each) for each in found], version

    def _note(self, key: Key, version: int, value: T | None) -> None:
        with self._lock:
            seen, before = self._seen.get(key, (0, None))
            if version < seen:
                return
            self._seen[key] = (version, value)
            if value is None:
                self._forget(key)
            if self._changed is not None and before != value:
                self._changed(before, value)

    def _forget(self, key: Key) -> None:
        """Remember only the last deleted objects."""
        self._gone.append(key)
        if len(self._gone) > GONE_KEPT:
            oldest = self._gone.popleft()
            if self._seen.get(oldest, (0, self))[1] is None:
                del self._seen[oldest]


_Read = TypeVar("_Read")


def _key(obj: Manifest) -> Key:
    return obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


def _version(obj: Manifest) -> int:
    return int(obj["metadata"]["resourceVersion"])
