"""What every task's own objects need: addresses for Services, and room in the quotas of the namespaces."""

import ipaddress

from task_gateway.errors import NotFound
from task_gateway.limits.base import Finding, Found, Scope, limit
from task_gateway.limits.site import Site
from task_gateway.model import Manifest

SERVICE_CIDR = "networking.k8s.io/v1/ServiceCIDR"
PER_TASK = ("listenersets", "listeners")
"""The strategies that make a Service and a route for each task; those of slots are there already."""
ADDRESSED = "listeners"
"""The strategy whose Services have an address; those of the others are headless, for Envoy reads endpoints."""

GROUP = "gateway.networking.k8s.io"
QUANTITY = {"": 1, "k": 1_000, "M": 1_000_000}


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


def count(quantity: str) -> int:
    """Return a quantity of objects as a number, as Kubernetes writes it: `250`, `1k`."""
    number = quantity.rstrip("kM")
    return int(number) * QUANTITY[quantity[len(number) :]]


def _left(
    site: Site, quotas: list[Manifest], resources: tuple[str, ...], namespace: str, strategies: tuple[str, ...]
) -> Finding:
    left = []
    for quota in quotas:
        status = quota.get("status") or {}
        for resource in resources:
            if resource in (status.get("hard") or {}):
                left.append(count(status["hard"][resource]) - count((status.get("used") or {}).get(resource, "0")))
    advice = f"the ResourceQuota in namespace {namespace}"
    if not left:
        return Finding(None, None, Found.READ, advice, "no quota")
    return Finding(min(left), min(left) + site.active if site.strategy in strategies else None, Found.READ, advice)
