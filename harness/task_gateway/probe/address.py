"""Requirement: the Gateway's status has the address at which it is reachable."""

from task_gateway.errors import WaitTimeout
from task_gateway.kube.wait import wait_for
from task_gateway.model import Manifest
from task_gateway.probe.base import Lack, Seen, requirement
from task_gateway.probe.stage import ADDRESSED, Stage
from task_gateway.reasons import Condition
from task_gateway.routing.gateway_api import GATEWAY, addresses


@requirement(1, "address", "The Gateway's status has its address, and the requested one if one was requested.")
def look(stage: Stage) -> Seen | Lack:
    """Wait for the address; all that is dialled is dialled there."""
    wanted = stage.asked.address

    def missing(gateway: Manifest | None) -> str | None:
        found = addresses(gateway or {})
        if wanted in found or (found and not wanted):
            return None
        return f"status.addresses has {', '.join(found) or 'nothing'}{_why(gateway or {})}"

    try:
        gateway = wait_for(stage.kube, ADDRESSED, GATEWAY, stage.gateway_name, stage.namespace, missing)
    except WaitTimeout as late:
        conditions = (stage.gateway().get("status") or {}).get("conditions") or []
        if all(each["status"] == "Unknown" for each in conditions):
            return Lack(f"no controller accepts the Gateway: {late.last_state}")
        raise
    stage.host = wanted or addresses(gateway)[0]
    return Seen(stage.host)


def _why(gateway: Manifest) -> str:
    for each in (gateway.get("status") or {}).get("conditions") or []:
        if each["status"] != "True":
            return f"; {Condition.of(each)}"
    return ""
