"""Requirement: the proxy follows the endpoints of a Service, which is how a slot is claimed and released."""

import time
from collections.abc import Mapping, Sequence

from task_gateway.probe import objects, port_probe
from task_gateway.probe.base import Met, NotSupported, requirement
from task_gateway.probe.fixture import BACKENDS, FIRST, ProbeFixture
from task_gateway.spread import spread

SAMPLES = 10


@requirement(
    4,
    "endpoint-change",
    "If a Service selects another pod, its port only connects to that pod; if it selects none, to no pod.",
    depends_on=("tcp-route",),
)
def measure_endpoint_change(fixture: ProbeFixture) -> Met | NotSupported:
    """Make the Service select no pod and the other pod in turns; the port has to close before it opens again."""
    reached, gone = [], []
    for number in range(1, SAMPLES + 1):
        gone.append(_changed(fixture, objects.NOBODY))
        reached.append(_changed(fixture, fixture.backend(number % len(BACKENDS))))
    return Met(f"{SAMPLES} changes in each direction, measured from the write", figures(reached, gone))


def figures(reached: Sequence[float], gone: Sequence[float]) -> Mapping[str, float]:
    """Return the median and the maximum of both, in seconds."""
    there, back = spread(reached, digits=3), spread(gone, digits=3)
    return {"reached": there.median, "reached_longest": there.p99, "closed": back.median, "closed_longest": back.p99}


def _changed(fixture: ProbeFixture, backend: str) -> float:
    started = time.perf_counter()
    fixture.lead_to(FIRST, backend)
    at = fixture.at(FIRST)
    return (
        port_probe.wait_closed(at) if backend == objects.NOBODY else port_probe.wait_first_byte(at, backend)
    ) - started
