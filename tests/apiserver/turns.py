"""Masters that take turns: each runs in a thread, and waits before every call to the API server for its turn."""

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from task_gateway.kube.client import Kube

Program = Callable[[Any], None]
"""The actions of one master, given its API server."""

CALLS = ("get", "find", "list", "snapshot", "served", "create", "apply", "replace", "patch", "delete")


class Turns:
    """Runs programs one call at a time, in a given order: the same order gives the same history."""

    def __init__(self, kube: Kube, programs: Sequence[Program]) -> None:
        self._kube = kube
        self.settings = kube.settings
        self._changed = threading.Condition()
        self._waiting: set[int] = set()
        self._ended: set[int] = set()
        self._on: int | None = None
        self.problems: list[BaseException] = []
        self._threads = [
            threading.Thread(target=self._work, args=(number, program)) for number, program in enumerate(programs)
        ]

    def play(self, order: Iterable[int]) -> None:
        """Run the programs to their ends; each number in `order` selects the program with the next call."""
        choices = iter(order)
        for thread in self._threads:
            thread.start()
        while True:
            with self._changed:
                self._changed.wait_for(lambda: len(self._waiting) + len(self._ended) == len(self._threads))
                if not self._waiting:
                    break
                ready = sorted(self._waiting)
                self._on = ready[next(choices, 0) % len(ready)]
                self._waiting.discard(self._on)
                self._changed.notify_all()
        for thread in self._threads:
            thread.join()
        if self.problems:
            raise self.problems[0]

    def _work(self, number: int, program: Program) -> None:
        try:
            program(_Turn(self, number))
        except BaseException as problem:
            self.problems.append(problem)
        finally:
            with self._changed:
                self._ended.add(number)
                self._changed.notify_all()

    def call(self, number: int, verb: str, *args: Any, **kwargs: Any) -> Any:
        """Make a call when it is this program's turn; the others wait until it requests the next one."""
        with self._changed:
            self._waiting.add(number)
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._on == number)
            self._on = None
        return getattr(self._kube, verb)(*args, **kwargs)


class _Turn:
    """The API server for one program."""

    def __init__(self, turns: Turns, number: int) -> None:
        self._turns, self._number = turns, number
        self.settings = turns.settings

    def __getattr__(self, verb: str) -> Callable[..., Any]:
        if verb not in CALLS:
            raise AttributeError(verb)
        return lambda *args, **kwargs: self._turns.call(self._number, verb, *args, **kwargs)
