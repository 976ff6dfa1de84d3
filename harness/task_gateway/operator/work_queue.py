"""A queue of keys: each is worked on by one thread at a time, and one that is added meanwhile comes again."""

import heapq
import threading
import time
from collections.abc import Hashable, Iterable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class WorkQueue(Generic[K]):
    """Keys in the order in which they came first. Any thread may call."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._ready: dict[K, None] = {}
        self._busy: set[K] = set()
        self._again: dict[K, None] = {}
        self._later: list[tuple[float, int, K]] = []
        self._count = 0
        self._closed = False

    def add(self, keys: Iterable[K]) -> None:
        """Have keys worked on as soon as a thread is free."""
        with self._condition:
            for key in keys:
                self._add(key)

    def add_after(self, key: K, seconds: float) -> None:
        """Have a key worked on after a while."""
        with self._condition:
            self._count += 1
            heapq.heappush(self._later, (time.monotonic() + seconds, self._count, key))
            self._condition.notify()

    def get(self) -> K | None:
        """Wait for the next key and return it; None once the queue is closed. `done` has to follow."""
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
        """Mark the work on a key as done; it comes again if it was added meanwhile."""
        with self._condition:
            self._busy.discard(key)
            if key in self._again:
                del self._again[key]
                self._add(key)

    def close(self) -> None:
        """Let every `get` return None."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()

    def _add(self, key: K) -> None:
        if key in self._busy:
            self._again[key] = None
        elif key not in self._ready:
            self._ready[key] = None
            self._condition.notify()
