"""Requirement: the port of a removed route no longer connects: the next task may get it."""

import time

from task_gateway.errors import ScenarioFailed, WaitTimeout
from task_gateway.probe import door
from task_gateway.probe.base import Lack, Seen, requirement
from task_gateway.probe.stage import FIRST, Stage
from task_gateway.routing.reach import probe
from task_gateway.settings import Wait

NOTHING = Wait("route-gone", "the port of the removed route reaches nothing", 60)
STILL_SECONDS = 5.0


@requirement(
    7,
    "route-removed",
    "The port of a removed route refuses or closes connections, and continues to.",
    after=("tcp-route",),
)
def look(stage: Stage) -> Seen | Lack:
    """Remove the first route; the pod behind it goes on, so that only the proxy can forget the way."""
    stage.lead_to(FIRST, stage.backend(0))
    door.first_byte(stage.at(FIRST), stage.backend(0))
    started = time.perf_counter()
    stage.unroute(FIRST)
    try:
        closed = door.nothing(stage.at(FIRST), NOTHING) - started
    except WaitTimeout:
        raise ScenarioFailed(f"{stage.at(FIRST)} still connects to {stage.backend(0)}, without a route") from None
    until = time.monotonic() + STILL_SECONDS
    while time.monotonic() < until:
        if name := door.said(stage.at(FIRST)):
            raise ScenarioFailed(f"{stage.at(FIRST)} connected to no pod, and then to {name} again")
    return Seen(f"{stage.at(FIRST)} {probe(stage.at(FIRST)).value}", {"closed": round(closed, 3)})
