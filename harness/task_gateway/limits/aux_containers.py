"""The demand: how many tasks without a GPU the master may start. It should not exceed the capacity."""

from task_gateway.inventory.snapshot import GatewaySnapshot
from task_gateway.limits.base import LimitValue, Origin, Scope, limit

KEY = "max_aux_containers_per_agent"


@limit("max-aux-containers", Scope.CLUSTER, "notebooks, TensorBoards, shells and commands that the master may start")
def containers(snapshot: GatewaySnapshot) -> LimitValue:
    """Multiply the limit per node in the pools by the nodes. This is demand, so it is not part of the capacity."""
    pools = snapshot.manager.resource_pools
    advice = f"set {KEY} of the resource pools to at most the capacity"
    if not pools:
        return LimitValue(None, None, Origin.READ, advice, "no resource pools configured")
    most = sum(pool.max_aux_containers_per_agent for pool in pools) * len(snapshot.cluster.nodes)
    return LimitValue(most, None, Origin.READ, advice, f"pools: {len(pools)}, nodes: {len(snapshot.cluster.nodes)}")
