"""Prevents the threads of one process from trying the same port, because only one of their writes would succeed."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol, TypeVar


class HasPort(Protocol):
    """An object with one port."""

    @property
    def port(self) -> int:
        """The gateway's port."""
        ...


P = TypeVar("P", bound=HasPort)


class Picks:
    """The ports that threads of this process are about to take. The API server decides between processes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lent: set[int] = set()

    @contextmanager
    def lend(self, candidates: Callable[[], Sequence[P]]) -> Iterator[P | None]:
        """Lend the first candidate that no other thread has; None if others try them all."""
        with self._lock:
            chosen = next((each for each in candidates() if each.port not in self._lent), None)
            if chosen is not None:
                self._lent.add(chosen.port)
        try:
            yield chosen
        finally:
            if chosen is not None:
                with self._lock:
                    self._lent.discard(chosen.port)
