"""Slots: how many the chart has made inside the port range."""

from task_gateway.limits.base import Finding, Found, Scope, limit
from task_gateway.limits.site import Site
from task_gateway.routing import table


@limit("slots", Scope.GATEWAY, "slots installed in the port range")
def installed(site: Site) -> Finding:
    """Count the Services of the slots; one outside the range is never used."""
    mine = table.inside(site.slots, site.ports[0], site.ports[-1])
    free = sum(slot.task is None for slot in mine)
    outside = len(site.slots) - len(mine)
    note = f"{free} free" + (f", {outside} more outside the range" if outside else "")
    tasks = None if site.traits.per_task else len(mine)
    return Finding(len(mine), tasks, Found.READ, "slots[].count of the chart", note)
