"""What every task's own objects need: addresses for Services, and room in the quotas of the namespaces."""

import ipaddress

from task_gateway.errors import NotFound
from task_gateway.kube.quantity import whole
from task_gateway.limits.base import Finding, Found, Scope, limit
from task_gateway.limits.site import Site
from task_gateway.model import Manifest

SERVICE_CIDR = "networking.k8s.io/v1/ServiceCIDR"
PER_TASK = ("listenersets", "listeners")
"""The strategies that make a Service and a route for each task; those of slots are there already."""
ADDRESSED = "listeners"
"""The strategy whose Services have an address; those of the others are headless, for Envoy reads endpoints."""

GROUP = "gateway.networking.k8s.io"


@limit("service-addresses", Scope.CLUSTER, "cluster IP addresses of Services")
def addresses(site: Site) -> Finding:
    """Count the addresses of the Service ranges less those in use; the API tells the ranges from Kubernetes 1.33 on."""
    advice = "add a ServiceCIDR to the cluster"
    try:
        ranges = [each["spec"]["cidrs"][0] for each in site.kube.list(SERVICE_CIDR)]
    except NotFound:
        return Finding(None, None, Found.READ, advice, "the API does not tell")
    used = sum(each["spec"].get("clusterIP", "None") not in ("None", "") for each in site.all_services)
    total = sum(usable(cidr) for cidr in ranges)
    tasks = total - used + site.active if site.strategy == ADDRESSED else None
    return Finding(total - used, tasks, Found.READ, advice, f"free of {total}")


@limit("quota-services", Scope.CLUSTER, "Services that the ResourceQuotas of the task namespace leave")
def service_quota(site: Site) -> Finding:
    """Take the least of all quotas on Services there."""
    return _left(site, site.quotas, ("services", "count/services"), site.namespace, PER_TASK)


@limit("quota-routes", Scope.CLUSTER, "TCPRoutes that the ResourceQuotas of the task namespace leave")
def route_quota(site: Site) -> Finding:
    """Take the least of all quotas on TCPRoutes there."""
    return _left(site, site.quotas, (f"count/tcproutes.{GROUP}",), site.namespace, PER_TASK)


@limit("quota-listener-sets", Scope.CLUSTER, "ListenerSets that the ResourceQuotas of the gateway's namespace leave")
def listener_set_quota(site: Site) -> Finding:
    """Take the least of all quotas on ListenerSets there."""
    namespace = site.gateway.gateway_namespace
    quotas = site.quotas if namespace == site.namespace else site.kube.list("v1/ResourceQuota", namespace)
    return _left(site, quotas, (f"count/listenersets.{GROUP}",), namespace, ("listenersets",))


def usable(cidr: str) -> int:
    """Return how many addresses of a range Services can have: all but the first, and of IPv4 but the last."""
    network = ipaddress.ip_network(cidr)
    return max(0, network.num_addresses - (2 if network.version == 4 else 1))


def _left(
    site: Site, quotas: list[Manifest], resources: tuple[str, ...], namespace: str, strategies: tuple[str, ...]
) -> Finding:
    left, unread = [], []
    for quota in quotas:
        status = quota.get("status") or {}
        bounds, taken = status.get("hard") or {}, status.get("used") or {}
        for resource in bounds.keys() & set(resources):
            hard, used = whole(bounds[resource]), whole(taken.get(resource, "0"))
            if hard is None or used is None:
                unread.append(f"{quota['metadata']['name']}: {bounds[resource]!r}")
            else:
                left.append(max(0, hard - used))
    advice = f"the ResourceQuota in namespace {namespace}"
    note = f"cannot be read: {', '.join(unread)}" if unread else ""
    if not left:
        return Finding(None, None, Found.READ, advice, note or "no quota")
    tasks = min(left) + site.active if site.strategy in strategies else None
    return Finding(min(left), tasks, Found.READ, advice, note)
