"""Requirement: the Gateway's status has the address at which it is reachable."""

from task_gateway.errors import WaitTimeout
from task_gateway.kube.wait import wait_for
from task_gateway.model import Manifest
from task_gateway.probe.base import Met, NotSupported, requirement
from task_gateway.probe.fixture import ADDRESSED, ProbeFixture
from task_gateway.reasons import Condition
from task_gateway.routing.gateway_api import GATEWAY, addresses


@requirement(1, "address", "The Gateway's status has its address, and the requested one if one was requested.")
def check_address(fixture: ProbeFixture) -> Met | NotSupported:
    """Wait for the address. All connections of the probe use it."""
    wanted = fixture.options.address

    def missing(gateway: Manifest | None) -> str | None:
        found = addresses(gateway or {})
        if wanted in found or (found and not wanted):
            return None
        return f"status.addresses has {', '.join(found) or 'nothing'}{_why(gateway or {})}"

    try:
        gateway = wait_for(fixture.kube, ADDRESSED, GATEWAY, fixture.gateway_name, fixture.namespace, missing)
    except WaitTimeout as late:
        conditions = (fixture.gateway().get("status") or {}).get("conditions") or []
        if all(each["status"] == "Unknown" for each in conditions):
            return NotSupported(f"no controller accepts the Gateway: {late.last_state}")
        raise
    fixture.host = wanted or addresses(gateway)[0]
    return Met(fixture.host)


def _why(gateway: Manifest) -> str:
    for each in (gateway.get("status") or {}).get("conditions") or []:
        if each["status"] != "True":
            return f"; {Condition.read(each)}"
    return ""
