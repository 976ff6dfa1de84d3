"""Returns the external addresses and ports of a Service."""

from collections.abc import Collection

from task_gateway.model import Manifest


def ports_at(service: Manifest, host: str, ports: Collection[int]) -> list[int]:
    """Return which of `ports` a Service has at an external address, sorted; kube-proxy serves one Service per port."""
    if host not in outside_addresses(service):
        return []
    return sorted({each["port"] for each in service["spec"].get("ports") or ()}.intersection(ports))


def outside_addresses(service: Manifest) -> list[str]:
    """Return the external IPs of a Service, and the addresses or host names of its load balancer."""
    balanced = ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    given = (each.get("ip") or each.get("hostname") for each in balanced)
    return [*(service["spec"].get("externalIPs") or ()), *(each for each in given if each)]
