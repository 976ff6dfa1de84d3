"""Reads the resource pools of a master configuration, with the master's defaults, and checks their names."""

from collections.abc import Iterable

from task_gateway.config.block import Block
from task_gateway.config.scalars import quote
from task_gateway.model import ResourceManager, ResourcePool

POOLS = "resource_pools"
DEFAULT_NAME = "default"


def read_pools(beside: Block) -> tuple[ResourcePool, ...]:
    """Return the pools of one resource manager, from the block `beside`."""
    pools = []
    for block in beside.blocks(POOLS):
        name = block.string("pool_name")
        if not name and (name == "" or not block.has("pool_name")):
            block.report("pool_name", "is missing: the name of the resource pool")
        most = block.integer("max_aux_containers_per_agent")
        if most is not None and most < 0:
            block.report("max_aux_containers_per_agent", f"expected 0 or more, found {most}")
        pools.append(ResourcePool(name or "") if most is None else ResourcePool(name or "", most))
    return tuple(pools)


def default_pools(kind: str, beside: Block) -> tuple[ResourcePool, ...]:
    """Return the pools of the default resource manager: one named `default` if the file has none."""
    if beside.has(POOLS) or kind not in ("agent", "kubernetes"):
        return read_pools(beside)
    return (ResourcePool(DEFAULT_NAME),)


def check_pools(found: Iterable[tuple[ResourceManager, Block]]) -> None:
    """Report resource managers without a pool, and pools whose name another pool of any resource manager has.

    Each resource manager is paired with the block of its pools; the default one is first.
    """
    first: dict[str, int] = {}
    for manager, beside in found:
        if not beside.blocks(POOLS) and not manager.resource_pools and manager.type in ("agent", "kubernetes"):
            state = "is empty" if beside.has(POOLS) else "is missing"
            beside.report(POOLS, f"{state}: a resource manager has at least one resource pool")
        lines = [(block, block.line_at("pool_name")) for block in beside.blocks(POOLS)]
        for pool, (block, line) in zip(manager.resource_pools, lines, strict=False):
            if pool.pool_name in first:
                where = f"on line {first[pool.pool_name]}" if first[pool.pool_name] else "that the master adds"
                block.report("pool_name", f"{quote(pool.pool_name)} is the name of the resource pool {where} already")
            elif pool.pool_name:
                first[pool.pool_name] = line
        if not lines:
            first.update(dict.fromkeys((pool.pool_name for pool in manager.resource_pools), 0))
