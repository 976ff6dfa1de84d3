"""Reads the resource managers of a master configuration, and ignores keys that do not concern the gateway."""

from dataclasses import replace

import yaml

from task_gateway.config import gateway
from task_gateway.config.block import Block, nearest
from task_gateway.config.document import Document, describe, is_null
from task_gateway.config.pools import DEFAULT_NAME, POOLS, check_pools, default_pools, read_pools
from task_gateway.config.scalars import quote
from task_gateway.model import MasterConfig, ResourceManager, ResourcePool
from task_gateway.reasons import ConfigRule

_TOP_KEYS = ("resource_manager", "additional_resource_managers", POOLS)
_COMMON_KEYS = (
    "type",
    "name",
    "cluster_name",
    "default_aux_resource_pool",
    "default_compute_resource_pool",
    "no_default_resource_pools",
    "metadata",
)
_KEYS = {
    "kubernetes": (
        *_COMMON_KEYS,
        gateway.GATEWAY,
        "default_namespace",
        "namespace",
        "kubeconfig_path",
        "max_slots_per_pod",
        "master_service_name",
        "leave_kubernetes_resources",
        "default_scheduler",
        "slot_type",
        "slot_resource_requests",
        "fluent",
        "determined_master_scheme",
        "determined_master_host",
        "determined_master_ip",
        "determined_master_port",
    ),
    "agent": (
        *_COMMON_KEYS,
        "scheduler",
        "default_cpu_resource_pool",
        "default_gpu_resource_pool",
        "require_authentication",
        "client_ca",
    ),
}
_TYPES = (*_KEYS, "slurm", "pbs")
_IMPLIED = ResourceManager(DEFAULT_NAME, DEFAULT_NAME, type="agent", resource_pools=(ResourcePool(DEFAULT_NAME),))


def read(document: Document) -> MasterConfig | None:
    """Return the content of a document, None if it is not a mapping; problems are noted in the document.

    Without a resource manager, or without any content, it has the master's default one.
    """
    if document.root is None or is_null(document.root):
        return None if document.problems else MasterConfig(document.file, _IMPLIED)
    if not isinstance(document.root, yaml.MappingNode):
        document.report(1, "", f"expected a mapping, found {describe(document.root)}", ConfigRule.READABLE)
        return None
    top = Block(document, document.root, "", 1)
    _find_misspelt(top)
    if (block := top.block("resource_manager")) is not None:
        found = [(_manager(block, top, additional=False), block, top)]
    else:
        found = [(replace(_IMPLIED, resource_pools=default_pools(_IMPLIED.type, top)), top, top)]
    for item in top.blocks("additional_resource_managers"):
        item.refuse_others(("resource_manager", POOLS), "an item of additional_resource_managers")
        if not item.has("resource_manager"):
            item.report("resource_manager", "is missing: the additional resource manager")
        if (block := item.block("resource_manager")) is not None:
            found.append((_manager(block, item, additional=True), block, item))
    with_blocks = [(manager, block) for manager, block, _ in found]
    _check_names(with_blocks)
    check_pools((manager, beside) for manager, _, beside in found)
    gateway.check_overlaps(with_blocks)
    managers = [manager for manager, _, _ in found]
    return MasterConfig(document.file, managers[0], tuple(managers[1:]))


def _find_misspelt(top: Block) -> None:
    """Report misplaced gateway keys at the top level, and keys that are similar to a known one."""
    for key in top.keys:
        if key == gateway.GATEWAY:
            message = "belongs under a resource manager: resource_manager.internal_task_gateway"
            top.report(key, message, ConfigRule.KNOWN_KEYS)
        elif key not in _TOP_KEYS and (match := nearest(key, _TOP_KEYS, cutoff=0.9)):
            message = f"is not a key of a master configuration; did you mean {match}?"
            top.report(key, message, ConfigRule.KNOWN_KEYS)


def _manager(block: Block, beside: Block, *, additional: bool) -> ResourceManager:
    """Read one resource manager; its pools are in the block `beside`."""
    kind = _type(block, additional=additional)
    if kind in _KEYS:
        block.refuse_others(_KEYS[kind], f"a resource manager of type {kind}")
    name, cluster_name = block.string("name"), block.string("cluster_name")
    if additional and not block.has("name") and not block.has("cluster_name"):
        block.report("cluster_name", "is missing: the unique name of this resource manager")
    unnamed = block.path if additional else DEFAULT_NAME
    five = block.block(gateway.GATEWAY) if kind == "kubernetes" else None
    return ResourceManager(
        name=name or cluster_name or unnamed,
        cluster_name=cluster_name or name or unnamed,
        type=kind,
        kubeconfig_path=block.string("kubeconfig_path") or None,
        default_namespace=block.string("default_namespace") or block.string("namespace") or None,
        max_slots_per_pod=block.integer("max_slots_per_pod"),
        internal_task_gateway=None if five is None else gateway.read(five),
        resource_pools=read_pools(beside) if additional else default_pools(kind, beside),
    )


def _type(block: Block, *, additional: bool) -> str:
    """Return the type: `agent` if none is given, as in the master; `kubernetes` if it is invalid."""
    kind = block.string("type")
    if kind is None and block.has("type"):
        return "kubernetes"
    if kind is not None and kind not in _TYPES:
        match = nearest(kind, _TYPES)
        advice = f"did you mean {match}?" if match else f"known types: {', '.join(_TYPES)}"
        block.report("type", f"{quote(kind)} is not a type of resource manager; {advice}")
        return "kubernetes"
    if kind != "kubernetes" and (additional or block.has(gateway.GATEWAY)):
        what = "is missing" if kind is None else f"is {quote(kind)}"
        which = "an additional resource manager" if additional else "a resource manager with a gateway"
        block.report("type", f"{what}; {which} is of type kubernetes")
        return "kubernetes"
    if kind is None and any(block.has(key) for key in block.keys):
        block.report("type", f"is missing; a resource manager with other keys has one of: {', '.join(_TYPES)}")
    return kind or "agent"


def _check_names(found: list[tuple[ResourceManager, Block]]) -> None:
    """Report each resource manager whose name is already taken."""
    first: dict[str, Block] = {}
    for manager, block in found:
        if manager.name in first:
            key = "name" if block.has("name") else "cluster_name"
            line = first[manager.name].line_at("name")
            block.report(key, f"{quote(manager.name)} names the resource manager on line {line} already")
        first.setdefault(manager.name, block)
