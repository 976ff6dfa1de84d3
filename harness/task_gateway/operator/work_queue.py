"""A queue of keys: one thread at a time works on a key, and a key that is added meanwhile is queued again."""

import heapq
import threading
import time
from collections.abc import Hashable, Iterable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class WorkQueue(Generic[K]):
    """Keys in the order in which they were first added. It is safe for threads."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._ready: dict[K, None] = {}
        self._busy: set[K] = set()
        self._again: dict[K, None] = {}
        self._later: list[tuple[float, int, K]] = []
        self._count = 0
        self._closed = False

    def add(self, keys: Iterable[K]) -> None:
        """Queue keys."""
        with self._condition:
            for key in keys:
                self._add(key)

    def add_after(self, key: K, seconds: float) -> None:
        """Queue a key after `seconds`."""
        with self._condition:
            self._count += 1
            heapq.heappush(self._later, (time.monotonic() + seconds, self._count, key))
            self._condition.notify()

    def get(self) -> K | None:
        """Wait for the next key and return it; None if the queue is closed. Call `done` afterwards."""
        with self._condition:
            while not self._closed:
                now = time.monotonic()
                while self._later and self._later[0][0] <= now:
                    self._add(heapq.heappop(self._later)[-1])
                if self._ready:
                    key = next(iter(self._ready))
                    del self._ready[key]
                    self._busy.add(key)
                    return key
                self._condition.wait(self._later[0][0] - now if self._later else None)
            return None

    def done(self, key: K) -> None:
        """Mark the work on a key as done; it is queued again if it was added meanwhile."""
        with self._condition:
            self._busy.discard(key)
            if key in self._again:
                del self._again[key]
                self._add(key)

    def close(self) -> None:
        """Close the queue: every `get` returns None."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()

    def _add(self, key: K) -> None:
        if key in self._busy:
            self._again[key] = None
        elif key not in self._ready:
            self._ready[key] = None
            self._condition.notify()
