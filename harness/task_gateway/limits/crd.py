"""What the Gateway CRD declares: maxItems of the listeners, in spec and in status, of every served version."""

from task_gateway.crds import schema
from task_gateway.limits.base import Finding, Found, Scope, limit
from task_gateway.limits.site import Site

RAISE = "task-gateway crds raise --max-listeners N"


@limit("crd-spec-max-items", Scope.GATEWAY, "listeners of one Gateway: maxItems of spec.listeners")
def spec(site: Site) -> Finding:
    """Read the least of the served versions: a client may write through any of them."""
    return _declared(site, schema.SPEC_LISTENERS)


@limit("crd-status-max-items", Scope.GATEWAY, "listeners whose status can be written: maxItems of status.listeners")
def status(site: Site) -> Finding:
    """Read the least of the served versions; above it every status write is refused, and nothing is Programmed."""
    return _declared(site, schema.STATUS_LISTENERS)


def others(site: Site) -> int:
    """Return how many listeners stand on the Gateway itself that no task has: the placeholder, and foreign ones."""
    return sum(each.kind == "Gateway" and each.use != site.strategy for each in site.listeners)


def room(site: Site, listeners: int | None) -> int | None:
    """Return how many tasks fit into that many listeners of the Gateway; None with a strategy that adds none there."""
    return None if listeners is None or not site.traits.on_gateway else max(0, listeners - others(site))


def _declared(site: Site, path: str) -> Finding:
    if site.crd is None:
        return Finding(0, room(site, 0), Found.READ, "install the CRDs of Gateway API", "no CRD")
    per_version = {version: schema.max_items(site.crd, version, path) for version in schema.served(site.crd)}
    numbers = [number for number in per_version.values() if number is not None]
    value = min(numbers) if numbers else None
    differ = len(set(per_version.values())) > 1
    note = ", ".join(f"{version}: {number}" for version, number in per_version.items()) if differ else ""
    return Finding(value, room(site, value), Found.READ, RAISE, note)
