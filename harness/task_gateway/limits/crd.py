"""Limits in the Gateway CRD: maxItems of the listeners, in spec and in status, of every served version."""

from task_gateway.crds import schema
from task_gateway.inventory.snapshot import GatewaySnapshot
from task_gateway.limits.base import LimitValue, Origin, Scope, limit

RAISE = "task-gateway crds raise --max-listeners N"


@limit("crd-spec-max-items", Scope.GATEWAY, "listeners of one Gateway: maxItems of spec.listeners")
def spec(snapshot: GatewaySnapshot) -> LimitValue:
    """Return the lowest of the served versions, because a client may use any of them."""
    return _declared(snapshot, schema.SPEC_LISTENERS)


@limit("crd-status-max-items", Scope.GATEWAY, "listeners whose status can be written: maxItems of status.listeners")
def status(snapshot: GatewaySnapshot) -> LimitValue:
    """Return the lowest of the served versions. Above it, status writes fail, and the Gateway is never Programmed."""
    return _declared(snapshot, schema.STATUS_LISTENERS)


def others(snapshot: GatewaySnapshot) -> int:
    """Return how many listeners of the Gateway itself belong to no task: the placeholder and foreign ones."""
    return sum(each.kind == "Gateway" and each.use != snapshot.strategy for each in snapshot.objects.listeners)


def room(snapshot: GatewaySnapshot, listeners: int | None) -> int | None:
    """Return how many tasks fit into that many listeners of the Gateway; None if the strategy adds none to it."""
    return None if listeners is None or not snapshot.traits.on_gateway else max(0, listeners - others(snapshot))


def _declared(snapshot: GatewaySnapshot, path: str) -> LimitValue:
    crd = snapshot.crds.gateways
    if crd is None:
        return LimitValue(
            0, room(snapshot, 0), Origin.READ, "helm install gateway-api-crds dist/gateway-api-crds-*.tgz", "no CRD"
        )
    per_version = {version: schema.max_items(crd, version, path) for version in schema.served(crd)}
    numbers = [number for number in per_version.values() if number is not None]
    value = min(numbers) if numbers else None
    differ = len(set(per_version.values())) > 1
    note = ", ".join(f"{version}: {number}" for version, number in per_version.items()) if differ else ""
    return LimitValue(value, room(snapshot, value), Origin.READ, RAISE, note)
