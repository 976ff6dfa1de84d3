"""Ports: the configured range, less what others hold of it, and the node ports that a load balancer may need."""

from task_gateway.clusters.controllers import CONTOUR, ENVOY_GATEWAY
from task_gateway.limits.base import Finding, Found, Scope, limit
from task_gateway.limits.site import Site
from task_gateway.model import Manifest
from task_gateway.routing.listening import ports_of
from task_gateway.routing.ports import RESERVED

NODE_PORTS = 2768
"""30000 to 32767, the API server's default --service-node-port-range; no API tells another."""

CONTOUR_SHIFT, CONTOUR_LOW, CONTOUR_HIGH = 1023, 57536, 59581
"""Contour moves a listener's port p to p + 1023 inside Envoy; between these two, p and p + 1023 meet."""

WIDEN = "gateway_port_range_start and gateway_port_range_end of the master configuration"


@limit("port-range", Scope.RANGE, "ports of the range that tasks can have")
def range_(site: Site) -> Finding:
    """Count the range's ports without those of foreign listeners and those that the controller keeps."""
    kept = controller_ports(site)
    held = ports_of(each for each in site.listeners if each.use != site.strategy and each.port in site.ports)
    usable = len(site.ports) - len(held | kept)
    note = f"{len(site.ports)} ports, {len(held)} of others, {len(kept)} of the controller" if held | kept else ""
    return Finding(usable, usable, Found.READ, WIDEN, note)


@limit("controller-ports", Scope.RANGE, "ports of the range that the controller keeps for itself")
def controller_(site: Site) -> Finding:
    """Count them; they are no tasks' limit of their own, the port range is less by them."""
    kept = sorted(controller_ports(site))
    note = f"{kept[0]} to {kept[-1]}" if kept else ""
    return Finding(len(kept), None, Found.DOCUMENTED, f"choose {WIDEN} without them", note)


@limit("node-ports", Scope.CLUSTER, "node ports that the proxy's Service can have")
def node_ports(site: Site) -> Finding:
    """Count the default range less those of other Services; no limit where the proxy's Service takes none."""
    advice = "service.allocateLoadBalancerNodePorts=false of the chart, or another --service-node-port-range"
    if not any(takes_node_ports(service) for service in site.proxy_services):
        return Finding(None, None, Found.READ, advice, "the proxy's Service takes none")
    mine = {_name(service) for service in site.proxy_services}
    taken = sum(_node_ports(service) for service in site.all_services if _name(service) not in mine)
    free = NODE_PORTS - taken
    return Finding(free, proxied(site, free), Found.READ, advice)


def controller_ports(site: Site) -> set[int]:
    """Return the ports of the range that no listener can have with the controller of the class."""
    if site.controller == ENVOY_GATEWAY:
        return {port for port in RESERVED if port in site.ports}
    if site.controller == CONTOUR:
        upper = range(CONTOUR_LOW + CONTOUR_SHIFT, CONTOUR_HIGH + 1)
        meeting = {port for port in upper if port in site.ports and port - CONTOUR_SHIFT in site.ports}
        return meeting | missing_ports(site)
    return set()


def missing_ports(site: Site) -> set[int]:
    """Return the ports of the range that Contour's Service lacks, where tasks bring listeners: it adds none there."""
    if site.controller != CONTOUR or site.strategy == "slots" or not site.proxy_services:
        return set()
    there = {port["port"] for service in site.proxy_services for port in service["spec"].get("ports") or []}
    return set(site.ports) - there


def proxied(site: Site, ports: int) -> int:
    """Return how many tasks fit where the proxy has `ports`: the listeners that no task can use need theirs as well."""
    return max(0, ports - sum(each.use != site.strategy for each in site.listeners))


def takes_node_ports(service: Manifest) -> bool:
    """Tell whether each port of a Service gets a node port."""
    kind = service["spec"].get("type", "ClusterIP")
    allocates = service["spec"].get("allocateLoadBalancerNodePorts", True) is True
    return kind == "NodePort" or (kind == "LoadBalancer" and allocates)


def _node_ports(service: Manifest) -> int:
    return sum(bool(port.get("nodePort")) for port in service["spec"].get("ports") or [])


def _name(service: Manifest) -> tuple[str, str]:
    return service["metadata"]["namespace"], service["metadata"]["name"]
