"""Limits of ListenerSets: how many listeners one can have, and how many sets a Gateway can have."""

from task_gateway.crds import schema
from task_gateway.inventory.snapshot import GatewaySnapshot
from task_gateway.limits.base import LimitValue, Origin, Scope, limit


@limit("listener-set-max-items", Scope.LISTENER_SET, "listeners of one ListenerSet: maxItems of its spec.listeners")
def items(snapshot: GatewaySnapshot) -> LimitValue:
    """Return the lowest of the served versions. It does not limit tasks, because more sets hold more listeners."""
    crd = snapshot.crds.listener_sets
    if crd is None:
        refused = 0 if not (snapshot.traits.on_gateway or snapshot.slots) else None
        return LimitValue(
            0, refused, Origin.READ, "helm upgrade --install gateway-api-crds dist/gateway-api-crds-*.tgz", "not served"
        )
    numbers = [schema.max_items(crd, version, schema.SPEC_LISTENERS) for version in schema.served(crd)]
    value = min((number for number in numbers if number is not None), default=None)
    return LimitValue(value, None, Origin.READ, "none required: more listeners use more ListenerSets")


@limit("listener-sets", Scope.GATEWAY, "ListenerSets of one Gateway")
def sets(snapshot: GatewaySnapshot) -> LimitValue:
    """Return 0 if the controller does not support ListenerSets; Gateway API has no limit. The chart creates them."""
    if not snapshot.objects.controller.listener_sets:
        return LimitValue(
            0, None, Origin.DOCUMENTED, f"none: {snapshot.objects.controller.title} does not support ListenerSets"
        )
    return LimitValue(None, None, Origin.DOCUMENTED, "none required: Gateway API sets no limit")
