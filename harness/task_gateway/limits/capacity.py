"""Computes the capacity of a gateway: how many tasks fit at the same time, and which limit to raise for more."""

from task_gateway.inventory.snapshot import GatewaySnapshot
from task_gateway.inventory.target import GatewayTarget
from task_gateway.limits.base import LIMITS
from task_gateway.model import Limit, ManagerLimits

DIRECT = "direct"


def assess_target(target: GatewayTarget, strategy: str | None = None) -> ManagerLimits:
    """Return all limits of a target. Without a gateway it has no capacity, because the master connects to the pods."""
    manager = target.manager
    if manager.internal_task_gateway is None:
        return ManagerLimits(manager.name, manager.cluster_name, DIRECT, "", None, 0, None, None)
    return assess(GatewaySnapshot(target, strategy))


def assess(snapshot: GatewaySnapshot) -> ManagerLimits:
    """Return all limits of a gateway, the lowest first. The capacity is the lowest that applies to its strategy."""
    limits = ladder([rule.limit_at(snapshot) for rule in LIMITS])
    least = next((each for each in limits if each.tasks is not None), None)
    capacity = None if least is None else least.tasks
    return ManagerLimits(
        name=snapshot.manager.name,
        cluster=snapshot.manager.cluster_name,
        strategy=snapshot.strategy,
        gateway=snapshot.name,
        capacity=capacity,
        active=snapshot.active,
        headroom=None if capacity is None else max(0, capacity - snapshot.active),
        binding=None if least is None else least.id,
        limits=limits,
    )


def ladder(limits: list[Limit]) -> tuple[Limit, ...]:
    """Return limits from the lowest to the highest; those that do not limit tasks come last, by id."""
    return tuple(sorted(limits, key=lambda each: (each.tasks is None, each.tasks or 0, each.id)))
