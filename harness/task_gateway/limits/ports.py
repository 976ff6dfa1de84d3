"""Limits of ports: the configured range without the ports of others, and node ports that a load balancer may need."""

from task_gateway.inventory.snapshot import GatewaySnapshot
from task_gateway.limits.base import LimitValue, Origin, Scope, limit
from task_gateway.model import Manifest
from task_gateway.routing.gateway_listeners import ports_of
from task_gateway.routing.ports import TaskPorts
from task_gateway.routing.ports import task_ports as ports_of_tasks

NODE_PORTS = 2768
"""30000 to 32767, the API server's default --service-node-port-range. No API reports a different value."""

WIDEN = "gateway_port_range_start and gateway_port_range_end in the master configuration"


@limit("port-range", Scope.RANGE, "ports of the range that tasks can use")
def range_(snapshot: GatewaySnapshot) -> LimitValue:
    """Count the ports of the range without those of foreign listeners and those that the controller reserves."""
    found = task_ports(snapshot)
    usable, held, kept = len(found.usable), len(found.held), len(found.unusable)
    note = f"{len(snapshot.ports)} ports, {held} of others, {kept} of the controller" if held or kept else ""
    return LimitValue(usable, usable, Origin.READ, f"widen {WIDEN}", note)


@limit("controller-ports", Scope.RANGE, "ports of the range that the controller reserves")
def controller_(snapshot: GatewaySnapshot) -> LimitValue:
    """Count the reserved ports. They do not limit tasks separately, because the limit port-range excludes them."""
    kept = sorted(task_ports(snapshot).unusable)
    note = f"{kept[0]} to {kept[-1]}" if kept else ""
    return LimitValue(len(kept), None, Origin.DOCUMENTED, f"exclude them from {WIDEN}", note)


@limit("node-ports", Scope.CLUSTER, "node ports available to the Service of the proxy")
def node_ports(snapshot: GatewaySnapshot) -> LimitValue:
    """Count the default range minus the node ports of other Services; no limit if the proxy's Service uses none."""
    advice = "set envoy.service.allocateLoadBalancerNodePorts=false, or widen --service-node-port-range"
    if not any(takes_node_ports(service) for service in snapshot.proxy.services):
        return LimitValue(None, None, Origin.READ, advice, "the Service of the proxy uses none")
    mine = {_name(service) for service in snapshot.proxy.services}
    taken = sum(_node_ports(service) for service in snapshot.cluster.services if _name(service) not in mine)
    free = NODE_PORTS - taken
    return LimitValue(free, proxied(snapshot, free), Origin.READ, advice)


def task_ports(snapshot: GatewaySnapshot) -> TaskPorts:
    """Return which ports of the range a task can have. The port of a slot is always in the proxy's Service."""
    held = ports_of(each for each in snapshot.objects.listeners if each.use != snapshot.strategy)
    bound = None if not snapshot.traits.per_task or snapshot.objects.controller.adds_ports else snapshot.proxy.ports
    return ports_of_tasks(snapshot.gateway, snapshot.objects.controller, held, bound)


def proxied(snapshot: GatewaySnapshot, ports: int) -> int:
    """Return how many tasks fit if the proxy has `ports`. Listeners that no task can use also need a port."""
    return max(0, ports - sum(each.use != snapshot.strategy for each in snapshot.objects.listeners))


def takes_node_ports(service: Manifest) -> bool:
    """Return whether each port of a Service gets a node port."""
    kind = service["spec"].get("type", "ClusterIP")
    allocates = service["spec"].get("allocateLoadBalancerNodePorts", True) is True
    return kind == "NodePort" or (kind == "LoadBalancer" and allocates)


def _node_ports(service: Manifest) -> int:
    return sum(bool(port.get("nodePort")) for port in service["spec"].get("ports") or [])


def _name(service: Manifest) -> tuple[str, str]:
    return service["metadata"]["namespace"], service["metadata"]["name"]
