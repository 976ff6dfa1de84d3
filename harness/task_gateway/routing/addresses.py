"""Checks whether a gateway has an address to connect to, and why it has none."""

from task_gateway.errors import NoAddress
from task_gateway.kube.client import Kube
from task_gateway.model import InternalTaskGateway, Manifest
from task_gateway.reasons import Condition
from task_gateway.routing.gateway_api import GATEWAY

CONDITIONS = ("Accepted", "Programmed")


def require(kube: Kube, gateway: InternalTaskGateway) -> None:
    """Raise NoAddress, with the condition of the Gateway that explains it, if the gateway has no address."""
    if gateway.gateway_ip:
        return
    name = gateway.full_name
    reason = unready(kube.find(GATEWAY, gateway.gateway_name, gateway.gateway_namespace))
    raise NoAddress(
        f"Gateway {name} has no address{f': {reason}' if reason else ' yet'}",
        where=f"Gateway {name}",
        hint="set gateway.addresses of the chart, or read why the load balancer assigns none: task-gateway check",
    )


def unready(gateway: Manifest | None) -> str:
    """Return the first condition of a Gateway that is not True, with reason and message; empty if all are."""
    if gateway is None:
        return "it does not exist"
    conditions = {each["type"]: each for each in (gateway.get("status") or {}).get("conditions") or []}
    for type in CONDITIONS:
        found = conditions.get(type)
        if found is None:
            return f"no controller has reported the condition {type}"
        if found["status"] != "True":
            return str(Condition.read(found))
    return ""
