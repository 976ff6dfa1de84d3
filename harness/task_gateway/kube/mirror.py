"""A local copy of some objects of one kind, kept by a watch: reading it costs nothing however many there are."""

import threading
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from task_gateway.errors import ApiError, TaskGatewayError
from task_gateway.kube.client import Kube
from task_gateway.model import Manifest
from task_gateway.settings import DEFAULTS, Settings

T = TypeVar("T")
GONE = 410  # the version that a watch was to go on from is forgotten
Key = tuple[str, str]


class Mirror(Generic[T]):
    """The objects that match, each as `parse` reads it; those of which it makes None are left out.

    Until `follow` is called every `read` asks the API server; from then on a thread keeps the copy, and what this
    process writes is noted at once by `keep`. An older state never replaces a newer one, whichever way it comes.
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
        settings: Settings = DEFAULTS,
    ) -> None:
        self._kube, self._kind, self._namespace, self._parse = kube, kind, namespace, parse
        self._name, self._labels, self._settings = name, labels, settings
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._following = False
        self._seen: dict[Key, tuple[int, T | None]] = {}
        """Version and value by object; a value of None is an object that is gone, or is none of ours."""

    def read(self) -> list[T]:
        """Return the objects as they are now, or, where they are followed, as they were some milliseconds ago."""
        if not self._following:
            found, _ = self._snapshot()
            return [value for value in map(self._parse, found) if value is not None]
        with self._lock:
            return [value for _, value in self._seen.values() if value is not None]

    def find(self, wanted: Callable[[T], bool]) -> list[T]:
        """Return the objects that are wanted; a copy that has none looks anew: others may have made some."""
        found = [value for value in self.read() if wanted(value)]
        if found or not self._following:
            return found
        self._refresh()
        return [value for value in self.read() if wanted(value)]

    def keep(self, obj: Manifest) -> T | None:
        """Note what a write answered, and return it as it is parsed."""
        value = self._parse(obj)
        self._note(obj, value)
        return value

    def drop(self, namespace: str, name: str, version: str) -> None:
        """Note that an object is gone that was of that version last; one made since under its name stays."""
        with self._lock:
            if self._seen.get((namespace, name), (0, None))[0] <= int(version):
                self._seen[namespace, name] = (int(version), None)

    def follow(self) -> None:
        """Read everything once and start to follow it; the errors of that reading are the caller's."""
        if self._following or self._closed.is_set():
            return
        version = self._refresh()
        self._following = True
        name = f"follows {self._kind} of {self._namespace or 'all namespaces'}"
        threading.Thread(target=self._run, args=(version,), name=name, daemon=True).start()

    def close(self) -> None:
        """Let the thread end with its next event; from now on the copy is not read any more."""
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
                        self._note(obj, None if event == "DELETED" else self._parse(obj))
            except ApiError as refused:
                version = None if refused.status == GONE else version
                self._closed.wait(self._settings.watch_pause_seconds)
            except TaskGatewayError:
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
        found, version = self._snapshot()
        there = {_key(obj) for obj in found}
        with self._lock:
            for key, (seen, _) in list(self._seen.items()):
                if key not in there and seen <= int(version):
                    self._seen[key] = (int(version), None)
        for obj in found:
            self._note(obj, self._parse(obj))
        return version

    def _snapshot(self) -> tuple[list[Manifest], str]:
        return self._kube.snapshot(self._kind, self._namespace, name=self._name, labels=self._labels)

    def _note(self, obj: Manifest, value: T | None) -> None:
        key, version = _key(obj), int(obj["metadata"]["resourceVersion"])
        with self._lock:
            if key not in self._seen or version >= self._seen[key][0]:
                self._seen[key] = (version, value)


def _key(obj: Manifest) -> Key:
    return obj["metadata"].get("namespace", ""), obj["metadata"]["name"]
