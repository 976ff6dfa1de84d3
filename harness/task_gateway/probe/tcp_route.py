"""Requirement: a TCPRoute is accepted, and traffic to its listener's port reaches its backend."""

import time
from functools import partial

from task_gateway.errors import ScenarioFailed, WaitTimeout
from task_gateway.kube.wait import wait_for
from task_gateway.probe import port_probe
from task_gateway.probe.base import Met, NotSupported, requirement
from task_gateway.probe.fixture import FIRST, ProbeFixture
from task_gateway.reasons import Condition
from task_gateway.routing.gateway_api import ROUTES, UNREPORTED, not_accepted
from task_gateway.routing.reach import probe
from task_gateway.settings import Wait

TAKEN_UP = Wait("route-taken-up", "the controller accepts the TCPRoute", 60)
SERVED = Wait("listener-served", "the pod answers through the new listener", 180)
UNSUPPORTED = ("UnsupportedProtocol", "InvalidRouteKinds", "NotAllowedByListeners")


@requirement(
    2,
    "tcp-route",
    "A TCPRoute of a served version is accepted, and its traffic reaches the pod of its Service.",
    depends_on=("address",),
)
def check_tcp_route(fixture: ProbeFixture) -> Met | NotSupported:
    """Wait for the conditions of the route, then connect."""
    kind = fixture.route_kind
    if kind is None:
        return NotSupported(f"neither {' nor '.join(ROUTES)} is served")
    try:
        taken_up = partial(not_accepted, controller=fixture.gateway_class["spec"]["controllerName"])
        wait_for(fixture.kube, TAKEN_UP, kind, fixture.name(FIRST), fixture.namespace, taken_up)
    except WaitTimeout as late:
        if isinstance(late.seen, Condition) and (not late.seen.is_reported or late.seen.reason in UNSUPPORTED):
            return NotSupported(late.last_state if late.seen.is_reported else UNREPORTED)
        raise
    version = kind.split("/")[1]
    started = time.perf_counter()
    try:
        reached = port_probe.wait_first_byte(fixture.at(FIRST), fixture.backend(0), SERVED) - started
    except WaitTimeout:
        raise ScenarioFailed(
            f"{version} is accepted, but {fixture.at(FIRST)} {probe(fixture.at(FIRST)).value}"
        ) from None
    return Met(f"{version}, {fixture.backend(0)} answers at {fixture.at(FIRST)}", {"reached": round(reached, 3)})
