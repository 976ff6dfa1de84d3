"""A Service of type NodePort for each task: kube-proxy forwards a port of every node to the pod."""

from collections.abc import Iterator
from contextlib import contextmanager

from task_gateway.kube.client import Kube
from task_gateway.kube.kinds import SERVICE
from task_gateway.model import TASK_LABEL, Manifest
from task_gateway_lab.bench.bench_cluster import NAMESPACE
from task_gateway_lab.bench.http_client import HttpEndpoint
from task_gateway_lab.bench.peers import components
from task_gateway_lab.bench.peers.base import Peer, PeerContext, PeerTarget, declare

TYPE = "NodePort"


class NodePorts:
    """Creates a Service for each task, which gets a port of every node."""

    def __init__(self, kube: Kube, node: str) -> None:
        self._kube = kube
        self._node = node

    def open(self, target: PeerTarget) -> HttpEndpoint:
        """Create the Service."""
        made = self._kube.create(service(target, TYPE))
        return HttpEndpoint(self._node, made["spec"]["ports"][0]["nodePort"])

    def close(self, target: PeerTarget) -> None:
        """Delete the Service."""
        self._kube.delete(SERVICE, service_name(target, TYPE), NAMESPACE)


def service(target: PeerTarget, type: str) -> Manifest:
    """Return the Service of one task."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": service_name(target, type), "namespace": NAMESPACE},
        "spec": {
            "type": type,
            "selector": {TASK_LABEL: target.name},
            "ports": [{"name": "task", "port": target.port, "targetPort": target.port}],
        },
    }


def service_name(target: PeerTarget, type: str) -> str:
    """Return the name of the Service of one task: a task can have one of each type."""
    return f"{target.name}-{type.lower()}"


@contextmanager
def start(context: PeerContext) -> Iterator[NodePorts]:
    """Start nothing: each cluster has node ports."""
    yield NodePorts(context.bench.kube, context.bench.address)


declare(Peer(name="NodePort Service", start=start, middle=(components.API_SERVER, components.NODE_PROXY)))
