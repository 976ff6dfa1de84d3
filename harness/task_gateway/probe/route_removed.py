"""Requirement: the port of a removed route no longer connects, because the next task may get it."""

import time

from task_gateway.errors import ScenarioFailed, WaitTimeout
from task_gateway.probe import port_probe
from task_gateway.probe.base import Met, NotSupported, requirement
from task_gateway.probe.fixture import FIRST, ProbeFixture
from task_gateway.routing.reach import probe
from task_gateway.settings import Wait

NOTHING = Wait("route-gone", "connections to the port of the removed route fail", 60)
STILL_SECONDS = 5.0


@requirement(
    7,
    "route-removed",
    "The port of a removed route refuses or closes connections, and continues to.",
    depends_on=("tcp-route",),
)
def check_route_removed(fixture: ProbeFixture) -> Met | NotSupported:
    """Remove the first route. The pod keeps running, so only the proxy can close the port."""
    fixture.lead_to(FIRST, fixture.backend(0))
    port_probe.wait_first_byte(fixture.at(FIRST), fixture.backend(0))
    started = time.perf_counter()
    fixture.unroute(FIRST)
    try:
        closed = port_probe.wait_closed(fixture.at(FIRST), NOTHING) - started
    except WaitTimeout:
        raise ScenarioFailed(f"{fixture.at(FIRST)} still connects to {fixture.backend(0)}, without a route") from None
    until = time.monotonic() + STILL_SECONDS
    while time.monotonic() < until:
        if name := port_probe.read_name(fixture.at(FIRST)):
            raise ScenarioFailed(f"{fixture.at(FIRST)} connected to no pod, and then to {name} again")
    return Met(f"{fixture.at(FIRST)} {probe(fixture.at(FIRST)).value}", {"closed": round(closed, 3)})
