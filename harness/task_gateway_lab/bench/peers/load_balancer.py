"""A Service of type LoadBalancer for each task, if the cluster assigns addresses to such Services."""

from collections.abc import Iterator
from contextlib import contextmanager

from task_gateway.errors import WaitTimeout
from task_gateway.kube.client import Kube
from task_gateway.kube.kinds import SERVICE
from task_gateway.kube.services import outside_addresses
from task_gateway.kube.wait import wait_for
from task_gateway.model import Manifest
from task_gateway.settings import Wait
from task_gateway_lab.bench.bench_cluster import NAMESPACE
from task_gateway_lab.bench.http_client import HttpEndpoint
from task_gateway_lab.bench.peers import components
from task_gateway_lab.bench.peers.base import Peer, PeerContext, PeerTarget, Unavailable, declare
from task_gateway_lab.bench.peers.node_port import service, service_name

TYPE = "LoadBalancer"
TRIED = Wait("load-balancer-tried", "a Service of type LoadBalancer has an address", 60)
ASSIGNED = Wait("load-balancer-assigned", "the Service of the task has an address", 600)
PROBE = PeerTarget("bench-load-balancer", "", 80)
"""A task without a pod, for the Service that shows whether the cluster assigns addresses."""


class LoadBalancers:
    """Creates a Service for each task, which gets an address."""

    def __init__(self, kube: Kube) -> None:
        self._kube = kube

    def open(self, target: PeerTarget, wait: Wait = ASSIGNED) -> HttpEndpoint:
        """Create the Service and return its address when it has one."""
        self._kube.create(service(target, TYPE))
        made = wait_for(self._kube, wait, SERVICE, service_name(target, TYPE), NAMESPACE, _without_address)
        return HttpEndpoint(outside_addresses(made)[0], target.port)

    def close(self, target: PeerTarget) -> None:
        """Delete the Service."""
        self._kube.delete(SERVICE, service_name(target, TYPE), NAMESPACE)


@contextmanager
def start(context: PeerContext) -> Iterator[LoadBalancers]:
    """Create a Service to check whether the cluster assigns an address."""
    balancers = LoadBalancers(context.bench.kube)
    try:
        balancers.open(PROBE, TRIED)
    except WaitTimeout:
        reason = f"the cluster assigned no address to a Service of type {TYPE} within {TRIED.seconds:g} s"
        raise Unavailable(reason) from None
    finally:
        balancers.close(PROBE)
    yield balancers


def _without_address(found: Manifest | None) -> str | None:
    return None if found and outside_addresses(found) else "it has no address"


declare(Peer(name="LoadBalancer Service", start=start, middle=(components.API_SERVER, components.NODE_PROXY)))
