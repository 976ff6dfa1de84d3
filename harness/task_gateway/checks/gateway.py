"""The Gateway: there, programmed, and reached at the address that the master is told."""

import ipaddress
import socket

from task_gateway.checks.base import Trouble, check, fill, unavailable
from task_gateway.checks.controller import deployments
from task_gateway.errors import Forbidden
from task_gateway.inventory.snapshot import GatewaySnapshot
from task_gateway.kube.services import ports_at
from task_gateway.kube.wait import condition
from task_gateway.limits.ports import takes_node_ports
from task_gateway.model import Address, Manifest
from task_gateway.routing.addresses import unready
from task_gateway.routing.listening import FOREIGN
from task_gateway.routing.reach import Answer, probe

PROXY_PODS = "kubectl describe pods --all-namespaces --selector {proxies}"
DESCRIBE = "kubectl describe gateway {gateway} --namespace {namespace}"


@check("ITG0401", "the Gateway exists", "kubectl get gateways --all-namespaces", ("ITG0201",))
def exists(snapshot: GatewaySnapshot) -> Trouble | None:
    """gateway_name or gateway_namespace of the master configuration is not the Gateway's, or the chart is not
    installed."""
    return None if snapshot.objects.gateway else Trouble(f"there is no Gateway {snapshot.name}")


@check("ITG0402", "the Gateway is accepted", DESCRIBE, ("ITG0302", "ITG0303", "ITG0408"))
def accepted(snapshot: GatewaySnapshot) -> Trouble | None:
    """The controller finds something in the Gateway that it cannot serve, and says what."""
    said = condition("Accepted")(snapshot.objects.gateway_for_conditions)
    return Trouble(str(said)) if said else None


@check("ITG0403", "the Gateway is Programmed", DESCRIBE, ("ITG0402", "ITG0409"))
def programmed(snapshot: GatewaySnapshot) -> Trouble | None:
    """The controller has no proxy for the Gateway yet, or the proxy has no address. Where the proxy has no Service
    either, the cluster refused to create it, a policy for example: the controller's log has the refusal."""
    said = condition("Programmed")(snapshot.objects.gateway_for_conditions)
    if said is None:
        return None
    try:
        found = [] if not snapshot.proxy.workloads or snapshot.proxy.services else deployments(snapshot)
    except Forbidden:  # the condition is worth more than its reason
        found = []
    if not found:
        return Trouble(str(said))
    home, labels = found[0]["metadata"]["namespace"], snapshot.objects.controller.labels
    log = f"kubectl logs --namespace {home} --selector {labels} --tail 50"
    return Trouble(f"{said}; the proxy has no Service", fix=log)


@check("ITG0404", "the Gateway's address is gateway_ip", DESCRIBE, ("ITG0403",))
def address(snapshot: GatewaySnapshot) -> Trouble | None:
    """The master dials gateway_ip; the Gateway has other addresses. A host name is looked up from here."""
    wanted = resolve(snapshot.gateway.gateway_ip)
    if not wanted:
        return Trouble(f"gateway_ip {snapshot.gateway.gateway_ip} cannot be resolved from here")
    found = [each["value"] for each in snapshot.objects.status.get("addresses") or []]
    resolved = set().union(*map(resolve, found)) if found else set()
    if wanted & resolved:
        return None
    return Trouble(f"gateway_ip is {snapshot.gateway.gateway_ip}, the Gateway has {', '.join(found) or 'no address'}")


@check("ITG0405", "gateway_ip answers from here", "curl --verbose telnet://GATEWAY_IP:PORT", ("ITG0404", "ITG0407"))
def answers(snapshot: GatewaySnapshot) -> Trouble | None:
    """No connection to a port of the gateway can be made from this machine: a firewall, a route, or a load balancer
    that does not forward. Run the check where the master runs. Contour's Envoy only listens on ports that have a route:
    before the first task with a listener of its own, no port answers and nothing is checked."""
    ports = sorted(each.port for each in snapshot.objects.listeners)
    silent = not snapshot.objects.controller.listens_without_routes
    if not ports or (silent and not any(each.use != FOREIGN for each in snapshot.objects.listeners)):
        return None
    at = Address(snapshot.gateway.gateway_ip, next((port for port in ports if port in snapshot.ports), ports[0]))
    answer = probe(at)
    if answer in (Answer.REFUSED, Answer.UNREACHABLE):
        return Trouble(f"{at} {answer.value}", fix=f"curl --verbose telnet://{at}")
    return None


@check("ITG0406", "the proxy's Service takes no node ports", "{upgrade} "
       "--set envoy.service.allocateLoadBalancerNodePorts=false", ("ITG0403",))  # fmt: skip
def node_ports(snapshot: GatewaySnapshot) -> Trouble | None:
    """Each port of the gateway takes a node port too: there are 2,768 in a cluster, and every node listens on them."""
    found = [each["metadata"]["name"] for each in snapshot.proxy.services if takes_node_ports(each)]
    return Trouble(f"Service {', '.join(found)} takes a node port for each port", warning=True) if found else None


@check("ITG0407", "every listener is programmed", DESCRIBE, ("ITG0403",))
def listeners(snapshot: GatewaySnapshot) -> Trouble | None:
    """A listener conflicts with another of the same port, or the controller could not serve it."""
    parents = [each for each in (snapshot.objects.gateway, *snapshot.objects.listener_sets) if each is not None]
    said = [sentence for parent in parents for sentence in _troubled(parent)]
    return Trouble(f"{said[0]}" + (f", and {len(said) - 1} more" if len(said) > 1 else "")) if said else None


@check("ITG0408", "the Gateway's status is of its present generation", DESCRIBE, ("ITG0401", "ITG0303", "ITG0205"))
def current(snapshot: GatewaySnapshot) -> Trouble | None:
    """The controller cannot write the status any more, mostly since the CRD's status.listeners allows fewer items
    than spec.listeners: what it says is old, traffic may flow all the same."""
    if not snapshot.objects.controller.reports_generation:
        wanted, there = (
            {each["name"] for each in part.get("listeners") or []}
            for part in (snapshot.objects.spec, snapshot.objects.status)
        )
        return Trouble(f"{len(wanted - there)} listeners have no status") if wanted - there else None
    generation = ((snapshot.objects.gateway or {}).get("metadata") or {}).get("generation", 0)
    seen = [each.get("observedGeneration", generation) for each in snapshot.objects.status.get("conditions") or []]
    if not seen or max(seen) >= generation:
        return None
    return Trouble(f"the Gateway is at generation {generation}, its status at {max(seen)}")


@check(
    "ITG0409", "the proxy is available", "kubectl get deployments --all-namespaces -l {proxies}",
    ("ITG0302", "ITG0303"),
)  # fmt: skip
def proxy(snapshot: GatewaySnapshot) -> Trouble | None:
    """The proxy's pods are not there or not ready: no port of the gateway answers. The message has the reason: a pod
    that cannot be created, an image that cannot be pulled, a container that ends again and again. Or the controller
    has created no proxy for the Gateway, and the Gateway's conditions say why."""
    if snapshot.proxy.workloads:
        said = unavailable(snapshot.proxy.workloads, snapshot.proxy.pods)
        return Trouble(said, fix=fill(PROXY_PODS, snapshot)) if said else None
    if (
        not snapshot.objects.controller.labels
        or condition("Programmed")(snapshot.objects.gateway_for_conditions) is None
    ):
        return None
    return Trouble(
        f"the controller has created no proxy: {unready(snapshot.objects.gateway_for_conditions)}",
        fix=fill(DESCRIBE, snapshot),
    )


@check(
    "ITG0410",
    "no other Service has a port of the gateway",
    "kubectl get services --all-namespaces -o wide",
    ("ITG0403",),
)
def rivals(snapshot: GatewaySnapshot) -> Trouble | None:
    """Two Services have one port at one address: which of them answers is chance, so a port may lead to another's."""
    own = {(each["metadata"]["namespace"], each["metadata"]["name"]) for each in snapshot.proxy.services}
    for each in snapshot.cluster.services:
        namespace, name = each["metadata"]["namespace"], each["metadata"]["name"]
        taken = ports_at(each, snapshot.gateway.gateway_ip, snapshot.ports)
        if taken and (namespace, name) not in own:
            more = f" and {len(taken) - 1} more" if len(taken) > 1 else ""
            return Trouble(f"Service {namespace}/{name} has port {taken[0]}{more} of {snapshot.gateway.gateway_ip} too")
    return None


def resolve(host: str) -> set[str]:
    """Return the addresses of a host name, or the address itself; empty if it cannot be resolved."""
    try:
        return {str(ipaddress.ip_address(host))}
    except ValueError:
        pass
    try:
        return {str(each[4][0]) for each in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
    except OSError:
        return set()


def _troubled(parent: Manifest) -> list[str]:
    name = f"{parent['kind']} {parent['metadata']['namespace']}/{parent['metadata']['name']}"
    reported = {
        each["name"]: each.get("conditions") or [] for each in (parent.get("status") or {}).get("listeners") or []
    }
    said = []
    for listener in parent["spec"].get("listeners") or []:
        conditions = {each["type"]: each for each in reported.get(listener["name"], [])}
        if conditions.get("Conflicted", {}).get("status") == "True":
            said.append(
                f"listener {listener['name']} of {name} conflicts: {conditions['Conflicted'].get('message', '')}"
            )
        elif conditions.get("Programmed", {}).get("status") != "True":
            why = conditions.get("Programmed", {}).get("message") or "nothing is reported of it"
            said.append(f"listener {listener['name']} of {name} is not programmed: {why}")
    return said
