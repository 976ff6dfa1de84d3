"""ListenerSets: how many listeners one has, and how many of them a Gateway takes."""

from task_gateway.crds import schema
from task_gateway.inventory.snapshot import GatewaySnapshot
from task_gateway.limits.base import LimitValue, Origin, Scope, limit


@limit("listener-set-max-items", Scope.LISTENER_SET, "listeners of one ListenerSet: maxItems of its spec.listeners")
def items(snapshot: GatewaySnapshot) -> LimitValue:
    """Read the least of the served versions. More listeners go into more sets, hence it limits no tasks."""
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
    """Gateway API sets no bound; some controllers serve none. The chart creates those of the slots."""
    if not snapshot.objects.controller.listener_sets:
        return LimitValue(
            0, None, Origin.DOCUMENTED, f"none: {snapshot.objects.controller.title} does not support ListenerSets"
        )
    return LimitValue(None, None, Origin.DOCUMENTED, "none required: Gateway API sets no limit")
