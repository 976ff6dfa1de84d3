"""Requirement: the proxy follows the endpoints of a Service, which is how a slot is claimed and released."""

import time
from collections.abc import Mapping, Sequence

from task_gateway.probe import door, objects
from task_gateway.probe.base import Lack, Seen, requirement
from task_gateway.probe.stage import BACKENDS, FIRST, Stage
from task_gateway.spread import spread

SAMPLES = 10


@requirement(
    4,
    "endpoint-change",
    "If a Service selects another pod, its port only connects to that pod; if it selects none, to no pod.",
    after=("tcp-route",),
)
def look(stage: Stage) -> Seen | Lack:
    """Let the Service have no pod and the other pod in turns; each time it is seen closed before it is opened."""
    reached, gone = [], []
    for number in range(1, SAMPLES + 1):
        gone.append(_changed(stage, objects.NOBODY))
        reached.append(_changed(stage, stage.backend(number % len(BACKENDS))))
    return Seen(f"{SAMPLES} changes in each direction, measured from the write", figures(reached, gone))


def figures(reached: Sequence[float], gone: Sequence[float]) -> Mapping[str, float]:
    """Return the middle and the longest of both, in seconds."""
    there, back = spread(reached, digits=3), spread(gone, digits=3)
    return {"reached": there.median, "reached_longest": there.p99, "closed": back.median, "closed_longest": back.p99}


def _changed(stage: Stage, backend: str) -> float:
    started = time.perf_counter()
    stage.lead_to(FIRST, backend)
    at = stage.at(FIRST)
    return (door.nothing(at) if backend == objects.NOBODY else door.first_byte(at, backend)) - started
