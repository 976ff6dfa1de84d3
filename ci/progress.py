"""The output of the scripts here: a line for each part, with the remaining number, and errors without a traceback."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from task_gateway.cli.output import Output, emit_error
from task_gateway.errors import TaskGatewayError


@dataclass(frozen=True)
class BuildPart:
    """Something to make. `expected` is its cold time in seconds on 2 cores, used for the estimate only."""

    name: str
    expected: float
    done: Callable[[], bool]
    make: Callable[[], None]


class Progress:
    """Counts parts made and left, for several threads that make parts at the same time."""

    def __init__(self, say: Callable[[str], None] = print) -> None:
        self._say = say
        self._lock = threading.Lock()
        self._left: dict[str, float] = {}
        self._total = 0

    def expect(self, parts: list[BuildPart]) -> list[BuildPart]:
        """Return those of `parts` that are not made yet, and count them as left."""
        missing = [part for part in parts if not part.done()]
        with self._lock:
            self._total += len(missing)
            self._left |= {part.name: part.expected for part in missing}
        return missing

    def make_missing(self, parts: list[BuildPart]) -> None:
        """Make those of `parts` that are not made yet, one after the other."""
        for part in self.expect(parts):
            self.make(part)

    def make(self, part: BuildPart) -> None:
        """Make one part and print the result."""
        with self.timed(part.name):
            part.make()

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Time what runs inside, then print the line of the part called `name`."""
        started = time.monotonic()
        yield
        seconds = time.monotonic() - started
        with self._lock:
            self._left.pop(name, None)
            made = self._total - len(self._left)
            self._say(f"√ {name:<26} {seconds:6.0f} s   [{made}/{self._total}] {self._outlook()}")

    def note(self, sentence: str) -> None:
        """Print a line that is no part: what was chosen, what is waited for."""
        with self._lock:
            self._say(f"  {sentence}")

    @property
    def made(self) -> int:
        """How many parts this run made."""
        return self._total - len(self._left)

    def _outlook(self) -> str:
        if not self._left:
            return "nothing left"
        names = list(self._left)
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        minutes = sum(self._left.values()) / 60
        return f"left: {', '.join(names[:3])}{more} (about {minutes:.0f} min)"


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def attended(work: Callable[[Progress], int]) -> int:
    """Run a script and return its exit code; errors are printed like those of the command, with its exit codes.

    SIGTERM has the same effect as Ctrl-C, with cleanup.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        return work(Progress(lambda line: print(line, flush=True)))
    except TaskGatewayError as problem:
        emit_error(problem, Output.text)
        return problem.exit_code
    except KeyboardInterrupt:
        return 130
