"""Recognises the refusals of an API server that mean a full gateway or cluster, and names the limit to raise."""

from task_gateway.errors import ApiError, NoFreeSlot
from task_gateway.reasons import Refusal

RAISED = {
    Refusal.TOO_MANY_ITEMS: "maxItems of spec.listeners in the CRD of Gateways (task-gateway crds raise)",
    Refusal.RULE_COST: "what the rules on spec.listeners may cost (task-gateway crds raise)",
    Refusal.TOO_LARGE: "the size of the Gateway, by fewer listeners on it",
    Refusal.QUOTA: "the ResourceQuota of the namespace",
    Refusal.NO_SERVICE_ADDRESS: "the addresses of Services, by another ServiceCIDR",
}
"""The reasons for which an API server refuses one object too many, with the limit to raise."""


def capacity_error(refused: ApiError) -> NoFreeSlot | None:
    """Return NoFreeSlot for a refusal that means that no further task fits, None for any other refusal."""
    raised = next((what for reason, what in RAISED.items() if reason in refused.reasons), None)
    if raised is None:
        return None
    return NoFreeSlot(
        f"the API server accepts no further task: {refused.message}",
        where=refused.where,
        hint=f"raise {raised}; task-gateway limits shows what binds",
    )
