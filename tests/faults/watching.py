"""Connects to every address repeatedly during a fault, and records wrong or missing answers."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.faults.serving import greeting_of

from task_gateway.model import Address

PAUSE_SECONDS = 0.01
CLIENTS = 2


@dataclass
class WatchedConnections:
    """The results of the clients: the number of connections, those without an answer, and answers of other tasks."""

    connections: int = 0
    failed: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def note(self, address: Address, wanted: str, said: str, problem: str = "") -> None:
        with self._changed:
            self.connections += 1
            what = f"{time.strftime('%H:%M:%S')} connection {self.connections} to {address}: {problem or 'no greeting'}"
            if said and said != wanted:
                self.strangers.append(f"{address} is {wanted}'s and was answered by {said}")
            elif not said:
                self.failed.append(what)
            self._changed.notify_all()

    def more(self, connections: int) -> None:
        """Return after that many more connections."""
        with self._changed:
            wanted = self.connections + connections
            self._changed.wait_for(lambda: self.connections >= wanted)


@contextmanager
def watching(expected: Mapping[Address, str]) -> Iterator[WatchedConnections]:
    """Open new connections to each address, in turn, until the context ends; `expected` has the greetings."""
    seen, ended = WatchedConnections(), threading.Event()

    def client(number: int) -> None:
        order = list(expected.items())[number:] + list(expected.items())[:number]
        while not ended.is_set():
            for address, wanted in order:
                try:
                    seen.note(address, wanted, greeting_of(address))
                except OSError as problem:
                    seen.note(address, wanted, "", str(problem))
                if ended.wait(PAUSE_SECONDS):
                    break

    clients = [threading.Thread(target=client, args=(number,), daemon=True) for number in range(CLIENTS)]
    for each in clients:
        each.start()
    try:
        seen.more(2 * len(expected))
        yield seen
        seen.more(2 * len(expected))
    finally:
        ended.set()
        for each in clients:
            each.join()


def until(problem: Callable[[], str], seconds: float) -> None:
    """Poll `problem` until it returns none, because connections cannot be watched."""
    deadline = time.monotonic() + seconds
    while said := problem():
        assert time.monotonic() < deadline, said
        time.sleep(PAUSE_SECONDS)
