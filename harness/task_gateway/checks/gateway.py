"""Checks of the Gateway: does it exist, is it programmed, is it reachable at the configured address?"""

import ipaddress
import socket

from task_gateway.checks.base import Finding, check, fill, unavailable
from task_gateway.checks.controller import deployments
from task_gateway.errors import Forbidden
from task_gateway.inventory.snapshot import GatewaySnapshot
from task_gateway.kube.services import ports_at
from task_gateway.kube.wait import condition
from task_gateway.limits.ports import takes_node_ports
from task_gateway.model import Address, Manifest
from task_gateway.routing.addresses import unready
from task_gateway.routing.gateway_api import GATEWAY, addresses
from task_gateway.routing.gateway_listeners import FOREIGN
from task_gateway.routing.reach import Answer, probe

GATEWAY_KIND = GATEWAY.rpartition("/")[2]
PROXY_PODS = "kubectl describe pods --all-namespaces --selector {proxies}"
DESCRIBE = "kubectl describe gateway {gateway} --namespace {namespace}"


@check("ITG0401", "the Gateway exists", "kubectl get gateways --all-namespaces", ("ITG0201",))
def exists(snapshot: GatewaySnapshot) -> Finding | None:
    """gateway_name or gateway_namespace of the master configuration is wrong, or the chart is not installed."""
    return None if snapshot.objects.gateway else Finding(f"there is no Gateway {snapshot.name}")


@check("ITG0402", "the Gateway is accepted", DESCRIBE, ("ITG0302", "ITG0303", "ITG0408"))
def accepted(snapshot: GatewaySnapshot) -> Finding | None:
    """The Gateway has a setting that the controller does not support. The condition Accepted names it."""
    said = condition("Accepted")(snapshot.objects.gateway_for_conditions)
    return Finding(str(said)) if said else None


@check("ITG0403", "the Gateway is Programmed", DESCRIBE, ("ITG0402", "ITG0409"))
def programmed(snapshot: GatewaySnapshot) -> Finding | None:
    """The controller has not created a proxy for the Gateway yet, or the proxy has no address. If the proxy has no
    Service either, the cluster rejected it, for example because of a policy. The log of the controller has the
    error."""
    said = condition("Programmed")(snapshot.objects.gateway_for_conditions)
    if said is None:
        return None
    try:
        found = [] if not snapshot.proxy.workloads or snapshot.proxy.services else deployments(snapshot)
    except Forbidden:  # report the condition, even without its cause
        found = []
    if not found:
        return Finding(str(said))
    home, labels = found[0]["metadata"]["namespace"], snapshot.objects.controller.labels
    log = f"kubectl logs --namespace {home} --selector {labels} --tail 50"
    return Finding(f"{said}; the proxy has no Service", fix=log)


@check("ITG0404", "the Gateway's address is gateway_ip", DESCRIBE, ("ITG0403",))
def address(snapshot: GatewaySnapshot) -> Finding | None:
    """The master connects to gateway_ip, but the Gateway has other addresses. A host name is resolved on this
    machine."""
    wanted = resolve(snapshot.gateway.gateway_ip)
    if not wanted:
        return Finding(f"gateway_ip {snapshot.gateway.gateway_ip} cannot be resolved on this machine")
    found = addresses(snapshot.objects.gateway or {})
    resolved = set().union(*map(resolve, found)) if found else set()
    if wanted & resolved:
        return None
    return Finding(f"gateway_ip is {snapshot.gateway.gateway_ip}, the Gateway has {', '.join(found) or 'no address'}")


@check(
    "ITG0405", "gateway_ip answers from this machine", "curl --verbose telnet://GATEWAY_IP:PORT", ("ITG0404", "ITG0407")
)
def answers(snapshot: GatewaySnapshot) -> Finding | None:
    """This machine cannot connect to a port of the gateway. Usual causes: a firewall, a missing route, or a load
    balancer that does not forward the port. Run the check on the machine of the master. The Envoy of Contour only
    listens on ports that have a route, so nothing is checked before the first task."""
    listeners = snapshot.objects.serving.listeners
    ports = sorted(each.port for each in listeners)
    silent = not snapshot.objects.controller.listens_without_routes
    if not ports or (silent and not any(each.use != FOREIGN for each in listeners)):
        return None
    at = Address(snapshot.gateway.gateway_ip, next((port for port in ports if port in snapshot.ports), ports[0]))
    answer = probe(at)
    if answer in (Answer.REFUSED, Answer.UNREACHABLE):
        return Finding(f"{at} {answer.value}", fix=f"curl --verbose telnet://{at}")
    return None


@check("ITG0406", "the Service of the proxy uses no node ports", "{upgrade} "
       "--set envoy.service.allocateLoadBalancerNodePorts=false", ("ITG0403",))  # fmt: skip
def node_ports(snapshot: GatewaySnapshot) -> Finding | None:
    """Each port of the gateway also uses a node port. A cluster has 2,768 of them, and every node listens on them."""
    found = [each["metadata"]["name"] for each in snapshot.proxy.services if takes_node_ports(each)]
    return Finding(f"Service {', '.join(found)} uses a node port for each port", warning=True) if found else None


@check("ITG0407", "every listener is programmed", DESCRIBE, ("ITG0403",))
def listeners(snapshot: GatewaySnapshot) -> Finding | None:
    """A listener conflicts with another one on the same port, or the controller cannot serve it."""
    served = snapshot.objects.serving
    parents = [each for each in (served.gateway, *served.listener_sets) if each is not None]
    said = [sentence for parent in parents for sentence in _troubled(parent)]
    return Finding(f"{said[0]}" + (f", and {len(said) - 1} more" if len(said) > 1 else "")) if said else None


@check("ITG0408", "the status of the Gateway is up to date", DESCRIBE, ("ITG0401", "ITG0303", "ITG0205"))
def current(snapshot: GatewaySnapshot) -> Finding | None:
    """The controller can no longer write the status, usually because status.listeners of the CRD allows fewer items
    than spec.listeners. The conditions are out of date, but traffic may still work."""
    served = snapshot.objects.serving
    if not snapshot.objects.controller.reports_generation:
        wanted, there = (
            {each["name"] for each in part.get("listeners") or []} for part in (served.spec, served.status)
        )
        return Finding(f"{len(wanted - there)} listeners have no status") if wanted - there else None
    generation = ((served.gateway or {}).get("metadata") or {}).get("generation", 0)
    seen = [each.get("observedGeneration", generation) for each in served.status.get("conditions") or []]
    if not seen or max(seen) >= generation:
        return None
    return Finding(f"the Gateway is at generation {generation}, its status at {max(seen)}")


@check(
    "ITG0409", "the proxy is available", "kubectl get deployments --all-namespaces -l {proxies}",
    ("ITG0302", "ITG0303"),
)  # fmt: skip
def proxy(snapshot: GatewaySnapshot) -> Finding | None:
    """The pods of the proxy are missing or not ready, so no port of the gateway answers. The message has the reason: a
    pod cannot be created, an image cannot be pulled, or a container keeps crashing. If the controller has not created a
    proxy, the conditions of the Gateway give the reason."""
    if snapshot.proxy.workloads:
        said = unavailable(snapshot.proxy.workloads, snapshot.proxy.pods)
        return Finding(said, fix=fill(PROXY_PODS, snapshot)) if said else None
    if (
        not snapshot.objects.controller.labels
        or condition("Programmed")(snapshot.objects.gateway_for_conditions) is None
    ):
        return None
    return Finding(
        f"the controller has created no proxy: {unready(snapshot.objects.gateway_for_conditions)}",
        fix=fill(DESCRIBE, snapshot),
    )


@check(
    "ITG0410",
    "no other Service uses a port of the gateway",
    "kubectl get services --all-namespaces -o wide",
    ("ITG0403",),
)
def rivals(snapshot: GatewaySnapshot) -> Finding | None:
    """Two Services use the same port of the same address. Either of them may answer, so a port may reach the wrong
    Service."""
    own = {(each["metadata"]["namespace"], each["metadata"]["name"]) for each in snapshot.proxy.services}
    for each in snapshot.cluster.services:
        namespace, name = each["metadata"]["namespace"], each["metadata"]["name"]
        taken = ports_at(each, snapshot.gateway.gateway_ip, snapshot.ports)
        if taken and (namespace, name) not in own:
            more = f" and {len(taken) - 1} more" if len(taken) > 1 else ""
            return Finding(
                f"Service {namespace}/{name} also uses port {taken[0]}{more} of {snapshot.gateway.gateway_ip}"
            )
    return None


@check("ITG0416", "connections only go to pods that are ready", "{upgrade}", ("ITG0402",))
def readiness(snapshot: GatewaySnapshot) -> Finding | None:
    """If no endpoint of a port is ready, the Envoy of Envoy Gateway connects to one that is not, unless a
    BackendTrafficPolicy of the Gateway sets panicThreshold to 0. Kubernetes can keep such an endpoint for a pod that
    completed. If another pod gets its IP address, the port leads to that pod."""
    kind = snapshot.objects.controller.readiness_policy
    if not kind or not snapshot.kube.served(kind):
        return None
    served = snapshot.objects.serving.named
    policies = snapshot.kube.list(kind, served.gateway_namespace)
    if any(_stops_panic(each["spec"], served.gateway_name) for each in policies):
        return None
    return Finding(f"no {kind.rpartition('/')[2]} of Gateway {served.full_name} sets healthCheck.panicThreshold to 0")


def _stops_panic(policy: Manifest, gateway: str) -> bool:
    """Return whether the spec of a policy sets this for the whole Gateway."""
    targets = [*(policy.get("targetRefs") or []), policy.get("targetRef") or {}]
    whole = any(
        (each.get("kind"), each.get("name")) == (GATEWAY_KIND, gateway) and "sectionName" not in each
        for each in targets
    )
    return whole and (policy.get("healthCheck") or {}).get("panicThreshold") == 0


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
            why = conditions.get("Programmed", {}).get("message") or "no status is reported"
            said.append(f"listener {listener['name']} of {name} is not programmed: {why}")
    return said
