"""The loop for states that cannot be watched: try, pause, and repeat until the deadline of a wait."""

import random
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import repeat

from task_gateway import settings
from task_gateway.settings import Wait


def attempts(
    wait: Wait,
    pauses: float | Iterable[float] = settings.PROBE_PAUSE_SECONDS,
    *,
    sleep: Callable[[float], object] | None = None,
) -> Iterator[float]:
    """Yield the remaining seconds before each attempt, at least once, and pause before the next.

    The caller leaves the loop on success, and raises `wait.timed_out` after it. `pauses` are in seconds, one number or
    an infinite series; no pause exceeds the deadline. `sleep` replaces time.sleep.
    """
    deadline = time.monotonic() + wait.seconds
    yield wait.seconds
    for pause in repeat(pauses) if isinstance(pauses, float | int) else pauses:
        if time.monotonic() + pause > deadline:
            return
        (sleep or time.sleep)(pause)
        yield deadline - time.monotonic()


def doubled(first: float, longest: float) -> Iterator[float]:
    """Return pauses that double from the first one up to the longest."""
    pause = first
    while True:
        yield pause
        pause = min(2 * pause, longest)


def scattered(longest: float) -> Iterator[float]:
    """Return pauses of random length, to separate clients that write to the same object."""
    while True:
        yield random.uniform(0, longest)
