"""Limits of the objects of each task: addresses for Services, and the quotas of the namespaces."""

import ipaddress
from collections.abc import Iterable

from task_gateway.errors import NotFound
from task_gateway.inventory.snapshot import GatewaySnapshot
from task_gateway.kube.quantity import whole
from task_gateway.limits.base import LimitValue, Origin, Scope, limit

SERVICE_CIDR = "networking.k8s.io/v1/ServiceCIDR"


@limit("service-addresses", Scope.CLUSTER, "cluster IP addresses of Services")
def addresses(snapshot: GatewaySnapshot) -> LimitValue:
    """Count the free addresses of the Service ranges, which the API reports since Kubernetes 1.33."""
    advice = "add a ServiceCIDR to the cluster"
    try:
        ranges = [each["spec"]["cidrs"][0] for each in snapshot.kube.list(SERVICE_CIDR)]
    except NotFound:
        return LimitValue(None, None, Origin.READ, advice, "the API does not report them")
    used = sum(each["spec"].get("clusterIP", "None") not in ("None", "") for each in snapshot.cluster.services)
    total = sum(usable(cidr) for cidr in ranges)
    tasks = total - used + snapshot.active if snapshot.traits.cluster_ip else None
    return LimitValue(total - used, tasks, Origin.READ, advice, f"free of {total}")


@limit("quota-services", Scope.CLUSTER, "Services still allowed by the ResourceQuotas of the task namespace")
def service_quota(snapshot: GatewaySnapshot) -> LimitValue:
    """Return the lowest of all quotas on Services in the task namespaces."""
    return _least(snapshot, ("services", "count/services"))


@limit("quota-routes", Scope.CLUSTER, "TCPRoutes still allowed by the ResourceQuotas of the task namespace")
def route_quota(snapshot: GatewaySnapshot) -> LimitValue:
    """Return the lowest of all quotas on TCPRoutes in the task namespaces."""
    return _least(snapshot, ("count/tcproutes.gateway.networking.k8s.io",))


def usable(cidr: str) -> int:
    """Return how many addresses of a range Services can use: all except the first and, for IPv4, the last."""
    network = ipaddress.ip_network(cidr)
    return max(0, network.num_addresses - (2 if network.version == 4 else 1))


def _least(snapshot: GatewaySnapshot, resources: tuple[str, ...]) -> LimitValue:
    """Return the lowest remaining quota on the resources, with its namespace; Forbidden if a quota cannot be read.

    Every task namespace has its own quotas, and a task may run in any of them. The lowest one is reached first.
    """
    quotas = {each.namespace: each.tasks.quotas for each in snapshot.spaces}
    left, unread = [], []
    for namespace, found in quotas.items():
        for quota in found:
            status = quota.get("status") or {}
            bounds, taken = status.get("hard") or {}, status.get("used") or {}
            for resource in sorted(bounds.keys() & set(resources)):
                hard, used = whole(bounds[resource]), whole(taken.get(resource, "0"))
                if hard is None or used is None:
                    unread.append(f"{quota['metadata']['name']}: {bounds[resource]!r}")
                else:
                    left.append((max(0, hard - used), namespace))
    notes = [f"cannot be read: {', '.join(unread)}"] if unread else []
    if not left:
        return LimitValue(None, None, Origin.READ, _advice(quotas), "; ".join(notes) or "no quota")
    least, where = min(left, key=lambda each: each[0])
    tasks = least + snapshot.active if snapshot.traits.per_task else None
    if len(quotas) > 1:
        notes.append(f"the least of {len(quotas)} namespaces: {where}")
    return LimitValue(least, tasks, Origin.READ, _advice([where]), "; ".join(notes))


def _advice(namespaces: Iterable[str]) -> str:
    return f"the ResourceQuota in namespace {', '.join(namespaces)}"
