"""Requirement, by which more tasks fit than one Gateway has listeners: ListenerSets are taken up and served."""

import time

from task_gateway.errors import WaitTimeout
from task_gateway.kube.wait import condition, wait_for
from task_gateway.probe import door
from task_gateway.probe.base import Lack, Seen, requirement
from task_gateway.probe.stage import IN_SET, Stage
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
    after=("tcp-route",),
)
def look(stage: Stage) -> Seen | Lack:
    """Make one with a listener and a route, and dial it."""
    if not stage.kube.served(LISTENER_SET):
        return Lack(f"{LISTENER_SET} is not served")
    started = time.perf_counter()
    made = stage.listener_set(IN_SET)
    stage.lead_to(IN_SET, stage.backend(1))
    stage.route(IN_SET, made)
    try:
        wait_for(stage.kube, TAKEN_UP, LISTENER_SET, stage.name(IN_SET), stage.namespace, condition("Accepted"))
    except WaitTimeout as late:
        if isinstance(late.seen, Condition) and late.seen.is_refusal:
            raise
        return Lack(f"no controller accepts it: {late.last_state}")
    reached = door.first_byte(stage.at(IN_SET), stage.backend(1), SERVED) - started
    return Seen(f"{stage.backend(1)} answers at {stage.at(IN_SET)}", {"reached": round(reached, 3)})
