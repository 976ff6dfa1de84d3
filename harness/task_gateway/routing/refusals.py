"""Tells from an API server's refusal that the gateway or the cluster is full, and of what."""

from task_gateway.errors import ApiError, NoFreeSlot

SIGNS = {
    "must have at most": "maxItems of spec.listeners in the CRD of Gateways (task-gateway crds raise)",
    "cost budget": "what the rules on spec.listeners may cost (task-gateway crds raise)",
    "cost limit exceeded": "what the rules on spec.listeners may cost (task-gateway crds raise)",
    "request is too large": "the size of the Gateway, by fewer listeners on it",
    "exceeded quota": "the ResourceQuota of the namespace",
    "range is full": "the addresses of Services, by another ServiceCIDR",
}
"""Words in a refusal that comes with one object too many, and what to raise then."""


def full(refused: ApiError) -> NoFreeSlot | None:
    """Return the error of a refusal that says that no further task fits, None for any other refusal."""
    raised = next((what for sign, what in SIGNS.items() if sign in refused.message), None)
    if raised is None:
        return None
    return NoFreeSlot(
        f"the API server takes no further task: {refused.message}",
        where=refused.where,
        hint=f"raise {raised}; task-gateway limits shows what binds",
    )
