"""The statuses of the lane's Gateway and of its class, each written only if it changes.

A status that changes with the listeners would conflict with the master's writes. So the conditions have no generation,
and the status lists no listeners. It only changes with the address of the gateway.
"""

import ipaddress
from dataclasses import dataclass
from datetime import datetime

from task_gateway.model import Manifest
from task_gateway.operator.result import seconds

ACCEPTED, PROGRAMMED = "Accepted", "Programmed"
UNASSIGNED = "AddressNotAssigned"
SLOTS = "the operator leads the slot of each port to the pods of the port's TCPRoute"
LANE = "the operator serves the Gateways of this class"


@dataclass(frozen=True, slots=True)
class StatusContent:
    """The conditions of a Gateway or a GatewayClass as type, status and reason, and the addresses of the Gateway."""

    conditions: frozenset[tuple[str, str, str]]
    addresses: tuple[str, ...] = ()


def content_of(obj: Manifest) -> StatusContent:
    """Return the content of the status of a Gateway or a GatewayClass."""
    status = obj.get("status") or {}
    conditions = ((each["type"], each["status"], each["reason"]) for each in status.get("conditions") or [])
    return StatusContent(frozenset(conditions), tuple(each["value"] for each in status.get("addresses") or []))


def of_gateway(host: str, now: datetime) -> Manifest:
    """Return the status of the lane's Gateway, at the address of the gateway whose slots it uses."""
    programmed = ("True", PROGRAMMED, SLOTS) if host else ("False", UNASSIGNED, "the gateway has no address yet")
    conditions = [_condition(ACCEPTED, ("True", ACCEPTED, SLOTS), now), _condition(PROGRAMMED, programmed, now)]
    return {"conditions": conditions, "addresses": [{"type": _kind(host), "value": host}] if host else []}


def of_class(now: datetime) -> Manifest:
    """Return the status of the lane's class."""
    return {"conditions": [_condition(ACCEPTED, ("True", ACCEPTED, LANE), now)]}


def differs(seen: StatusContent, wanted: Manifest) -> bool:
    """Return whether a status must be written. Conditions of other types stay and do not count."""
    want = content_of({"status": wanted})
    types = {type for type, *_ in want.conditions}
    return {each for each in seen.conditions if each[0] in types} != want.conditions or seen.addresses != want.addresses


def _condition(type: str, state: tuple[str, str, str], now: datetime) -> Manifest:
    status, reason, message = state
    return {"type": type, "status": status, "reason": reason, "message": message, "lastTransitionTime": seconds(now)}


def _kind(host: str) -> str:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return "Hostname"
    return "IPAddress"
