"""Limit of slots: how many the chart has created inside the port range."""

from task_gateway.inventory.snapshot import GatewaySnapshot
from task_gateway.limits.base import LimitValue, Origin, Scope, limit
from task_gateway.routing import table


@limit("slots", Scope.GATEWAY, "slots installed in the port range")
def installed(snapshot: GatewaySnapshot) -> LimitValue:
    """Count the Services of the slots; one outside the range is never used."""
    mine = table.in_port_range(snapshot.slots, snapshot.ports[0], snapshot.ports[-1])
    free = sum(slot.task is None for slot in mine)
    outside = len(snapshot.slots) - len(mine)
    note = f"{free} free" + (f", {outside} more outside the range" if outside else "")
    tasks = None if snapshot.traits.per_task else len(mine)
    return LimitValue(len(mine), tasks, Origin.READ, "raise slots[].count of the chart", note)
