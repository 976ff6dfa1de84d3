"""Reads and checks the five keys of `internal_task_gateway`. Two resource managers must not share a port."""

import ipaddress
import re
from collections.abc import Sequence
from itertools import combinations

from task_gateway.config.block import Block
from task_gateway.config.scalars import quote
from task_gateway.model import InternalTaskGateway, ResourceManager
from task_gateway.reasons import ConfigRule

GATEWAY = "internal_task_gateway"
NAME, NAMESPACE, IP = "gateway_name", "gateway_namespace", "gateway_ip"
START, END = "gateway_port_range_start", "gateway_port_range_end"
KEYS = (NAME, NAMESPACE, IP, START, END)

LOWEST_PORT, HIGHEST_PORT = 1025, 65535
DEFAULT_START, DEFAULT_END = 32768, 65535

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_HOST_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")


def read(block: Block) -> InternalTaskGateway | None:
    """Return the gateway in a block, None if its name or its ports are invalid."""
    block.refuse_others(KEYS, GATEWAY)
    name = _label(block, NAME, "the name of the Gateway object", ConfigRule.GATEWAY_NAME)
    namespace = _label(block, NAMESPACE, "the namespace of the Gateway object", ConfigRule.GATEWAY_NAMESPACE)
    host = _host(block)
    start = _port(block, START, DEFAULT_START)
    end = _port(block, END, DEFAULT_END)
    if start is not None and end is not None and start > end:
        ports = f"{_say(block, START, start)} is above {_say(block, END, end)}"
        key = START if block.has(START) else END
        block.report(key, f"{ports}; the start comes first", ConfigRule.PORT_ORDER)
        return None
    if name is None or namespace is None or start is None or end is None:
        return None
    return InternalTaskGateway(name, namespace, host or "", start, end)


def check_overlaps(found: Sequence[tuple[ResourceManager, Block]]) -> None:
    """Report each pair of resource managers that would claim the same port of the same gateway."""
    with_gateway = [
        (manager, manager.internal_task_gateway, block)
        for manager, block in found
        if manager.internal_task_gateway is not None
    ]
    for (first, one, beside), (second, other, block) in combinations(with_gateway, 2):
        low = max(one.gateway_port_range_start, other.gateway_port_range_start)
        high = min(one.gateway_port_range_end, other.gateway_port_range_end)
        same_object = (one.gateway_namespace, one.gateway_name) == (other.gateway_namespace, other.gateway_name)
        shared = _same_cluster(first, beside, second, block) if same_object else None
        if shared and low <= high and (gateway := block.block(GATEWAY)) is not None:
            gateway.report(
                START,
                f"ports {low} to {high} belong to resource manager {quote(first.name)} already: both use "
                f"Gateway {one.full_name} of the same cluster ({shared})",
                ConfigRule.PORT_OVERLAP,
            )


def _same_cluster(first: ResourceManager, one: Block, second: ResourceManager, other: Block) -> str | None:
    """Return the reason why both resource managers use the same cluster, None if that is not known."""
    paths = {first.kubeconfig_path, second.kubeconfig_path}
    if len(paths) == 1 and None not in paths:
        return "same kubeconfig_path"
    if one.has("cluster_name") and other.has("cluster_name"):
        return "same cluster_name" if first.cluster_name == second.cluster_name else None
    return "both the master's own" if paths == {None} else None


def _label(block: Block, key: str, purpose: str, rule: ConfigRule) -> str | None:
    value = _required(block, key, purpose, rule)
    if value is not None and not _LABEL.fullmatch(value):
        block.report(
            key,
            f"{quote(value)} is not a Kubernetes label: 1 to 63 lower-case letters, digits and '-', "
            "with a letter or digit at both ends",
            rule,
        )
        return None
    return value


def _host(block: Block) -> str | None:
    purpose = "the IP address or host name at which the master reaches the gateway"
    value = _required(block, IP, purpose, ConfigRule.GATEWAY_IP)
    if value is not None and not _is_host(value):
        what = "is empty" if not value.strip() else f"{quote(value)} is neither an IP address nor a host name"
        block.report(IP, f"{what}; expected an address without scheme and port", ConfigRule.GATEWAY_IP)
        return None
    return value


def _is_host(value: str) -> bool:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        labels = value.removesuffix(".").split(".")
        return len(value) <= 253 and all(_HOST_LABEL.fullmatch(label) for label in labels) and not labels[-1].isdigit()
    return True


def _required(block: Block, key: str, purpose: str, rule: ConfigRule) -> str | None:
    if not block.has(key):
        block.report(key, f"is missing: {purpose}", rule)
    return block.string(key, rule)


def _port(block: Block, key: str, default: int) -> int | None:
    if not block.has(key):
        return default
    port = block.integer(key, ConfigRule.PORT)
    if port is not None and not LOWEST_PORT <= port <= HIGHEST_PORT:
        message = f"expected a port from {LOWEST_PORT} to {HIGHEST_PORT}, found {port}"
        block.report(key, message, ConfigRule.PORT)
        return None
    return port


def _say(block: Block, key: str, port: int) -> str:
    return f"{key} {port}" if block.has(key) else f"{key} {port} (the default)"
