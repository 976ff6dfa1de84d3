"""Requirement: a listener's port is the port that is dialled, and the Service in front of the proxy has it."""

from task_gateway.errors import WaitTimeout
from task_gateway.probe import door
from task_gateway.probe.base import Lack, Seen, requirement
from task_gateway.probe.stage import FIRST, Stage
from task_gateway.settings import Wait

LISTENS = Wait("port-listens", "a connection to the listener's port is accepted", 60)


@requirement(
    3, "port-mapping", "Each listener is reachable at the Gateway's address on its own port number.", after=("address",)
)
def look(stage: Stage) -> Seen | Lack:
    """Dial the port, and see which Service brings it there."""
    port = stage.ports[FIRST]
    try:
        door.listening(stage.at(FIRST), LISTENS)
    except WaitTimeout:
        there = [f"{each['metadata']['namespace']}/{each['metadata']['name']}" for each in stage.services()]
        if there and stage.own_service() is None:
            return Lack(f"the listener has port {port}, no Service at {stage.host} has it: {', '.join(there)}")
        raise
    service = stage.own_service()
    if service is None:
        return Seen(f"{stage.at(FIRST)} accepts connections, without a Service")
    name = f"Service {service['metadata']['namespace']}/{service['metadata']['name']}"
    return Seen(f"{name} has port {port}, {'which existed before' if stage.had_port else 'which the controller added'}")
