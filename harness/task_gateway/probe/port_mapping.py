"""Requirement: the port of a listener is the port to connect to, and the Service of the proxy has it."""

from task_gateway.errors import WaitTimeout
from task_gateway.probe import port_probe
from task_gateway.probe.base import Met, NotSupported, requirement
from task_gateway.probe.fixture import FIRST, ProbeFixture
from task_gateway.settings import Wait

LISTENS = Wait("port-listens", "a connection to the listener's port is accepted", 60)


@requirement(
    3,
    "port-mapping",
    "Each listener is reachable at the Gateway's address on its own port number.",
    depends_on=("address",),
)
def check_port_mapping(fixture: ProbeFixture) -> Met | NotSupported:
    """Connect to the port, and find its Service."""
    port = fixture.ports[FIRST]
    try:
        port_probe.wait_listening(fixture.at(FIRST), LISTENS)
    except WaitTimeout:
        there = [f"{each['metadata']['namespace']}/{each['metadata']['name']}" for each in fixture.services()]
        if there and fixture.own_service() is None:
            return NotSupported(
                f"the listener has port {port}, no Service at {fixture.host} has it: {', '.join(there)}"
            )
        raise
    service = fixture.own_service()
    if service is None:
        return Met(f"{fixture.at(FIRST)} accepts connections, without a Service")
    name = f"Service {service['metadata']['namespace']}/{service['metadata']['name']}"
    return Met(
        f"{name} has port {port}, {'which existed before' if fixture.had_port else 'which the controller added'}"
    )
