"""Checks whether nodes on this host can have IPv6 addresses, and if not, why."""

import json
import platform
from pathlib import Path

from task_gateway import images
from task_gateway.errors import ToolMissing
from task_gateway_lab.clusters.engine import Engine, engine
from task_gateway_lab.clusters.kind import NETWORK

DISABLED = Path("/proc/sys/net/ipv6/conf/all/disable_ipv6")


def lacking_ipv6() -> str:
    """Return why this host's nodes cannot have IPv6 addresses, empty if they can."""
    if reason := lacking_in_kernel():
        return reason
    try:
        return lacking_in_network(engine(images.load().engine))
    except ToolMissing:  # without images there is no cluster either, which is reported when one is created
        return ""


def lacking_in_kernel(disabled: Path = DISABLED) -> str:
    """Return why the kernel has no IPv6; empty except on Linux, because nodes then use another kernel."""
    if platform.system() != "Linux":
        return ""
    if not disabled.exists():
        return "this host's kernel has no IPv6"
    return (
        "IPv6 is disabled on this host (net.ipv6.conf.all.disable_ipv6)" if disabled.read_text().strip() == "1" else ""
    )


def lacking_in_network(used: Engine) -> str:
    """Return why the engine's network of nodes has no IPv6, empty if it has, or does not exist yet."""
    answer = used.run("network", "inspect", NETWORK, check=False)
    if answer.code != 0 or has_ipv6_subnet(answer.stdout):
        return ""
    return (
        f"the network {NETWORK} of {used.name} has no IPv6 subnet; without clusters: {used.name} network rm {NETWORK}"
    )


def has_ipv6_subnet(inspected: str) -> bool:
    """Return whether an engine's description of a network has an IPv6 subnet."""
    (network,) = json.loads(inspected)
    subnets = [each.get("subnet", "") for each in network.get("subnets") or ()]  # podman
    subnets += [each.get("Subnet", "") for each in (network.get("IPAM") or {}).get("Config") or ()]  # docker
    return any(":" in each for each in subnets)
