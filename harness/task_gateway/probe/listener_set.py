"""Requirement: ListenerSets are accepted and served. They allow more tasks than one Gateway has listeners."""

import time

from task_gateway.errors import WaitTimeout
from task_gateway.kube.wait import condition, wait_for
from task_gateway.probe import port_probe
from task_gateway.probe.base import Met, NotSupported, requirement
from task_gateway.probe.fixture import IN_SET, ProbeFixture
from task_gateway.probe.tcp_route import SERVED
from task_gateway.reasons import Condition
from task_gateway.routing.gateway_api import LISTENER_SET
from task_gateway.settings import Wait

TAKEN_UP = Wait("listener-set-taken-up", "the controller accepts the ListenerSet", 60)


@requirement(
    6,
    "listener-set",
    "A ListenerSet is accepted and its listener serves a route.",
    required=False,
    depends_on=("tcp-route",),
)
def check_listener_set(fixture: ProbeFixture) -> Met | NotSupported:
    """Create a ListenerSet with a listener and a route, and connect to it."""
    if not fixture.kube.served(LISTENER_SET):
        return NotSupported(f"{LISTENER_SET} is not served")
    started = time.perf_counter()
    made = fixture.listener_set(IN_SET)
    fixture.lead_to(IN_SET, fixture.backend(1))
    fixture.route(IN_SET, made)
    try:
        wait_for(fixture.kube, TAKEN_UP, LISTENER_SET, fixture.name(IN_SET), fixture.namespace, condition("Accepted"))
    except WaitTimeout as late:
        if isinstance(late.seen, Condition) and late.seen.is_refusal:
            raise
        return NotSupported(f"no controller accepts it: {late.last_state}")
    reached = port_probe.wait_first_byte(fixture.at(IN_SET), fixture.backend(1), SERVED) - started
    return Met(f"{fixture.backend(1)} answers at {fixture.at(IN_SET)}", {"reached": round(reached, 3)})
