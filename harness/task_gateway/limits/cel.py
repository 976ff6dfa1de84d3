"""Limits of the CEL cost that Kubernetes allows, in listeners: for writes of the CRD, and for writes of a Gateway."""

from task_gateway.crds import edit, probe, schema
from task_gateway.errors import ApiError, UsageError
from task_gateway.inventory.snapshot import GatewaySnapshot
from task_gateway.limits.base import LimitValue, Origin, Scope, limit
from task_gateway.limits.crd import room

STATIC_UPSTREAM = 213
"""Largest maxItems with the rules of every release from v1.0.0 to v1.7.0, found by `task-gateway crds cel`."""

RUN_TIME_UPSTREAM = 445
"""Listeners at which the quadratic rules reach 1 M per call, 10 M per object; see docs/raising.md."""

DROP = "task-gateway crds raise --max-listeners N --drop-quadratic-rules"


@limit("cel-static-cost", Scope.CLUSTER, "largest maxItems of spec.listeners that the API server accepts in the CRD")
def static(snapshot: GatewaySnapshot) -> LimitValue:
    """Probe the API server by dry runs of the CRD; if that fails, return the known value for Gateway API's rules."""
    if snapshot.crds.gateways is None:
        return LimitValue(None, None, Origin.DOCUMENTED, DROP, "no CRD")
    try:
        found = probe.largest(snapshot.kube, snapshot.crds.gateways, schema.SPEC_LISTENERS)
    except (ApiError, UsageError):
        value = STATIC_UPSTREAM if has_quadratic_rules(snapshot) else None
        return LimitValue(value, room(snapshot, value), Origin.DOCUMENTED, DROP, "the API server could not be probed")
    note = "or more" if found.at_least else ""
    return LimitValue(found.accepted, room(snapshot, found.accepted), Origin.PROBED, DROP, note)


@limit("cel-run-time-cost", Scope.CLUSTER, "listeners of one Gateway that the CEL rules can process at run time")
def run_time(snapshot: GatewaySnapshot) -> LimitValue:
    """Return the known value for the rules of Gateway API. Without the quadratic ones, other limits are lower."""
    value = RUN_TIME_UPSTREAM if has_quadratic_rules(snapshot) else None
    return LimitValue(value, room(snapshot, value), Origin.DOCUMENTED, DROP)


def has_quadratic_rules(snapshot: GatewaySnapshot) -> bool:
    """Return whether a served version of the CRD has a rule whose cost is quadratic in the number of listeners."""
    crd = snapshot.crds.gateways
    return crd is not None and any(edit.quadratic_rules(crd, version) for version in schema.served(crd))
