"""configurable-http-proxy, the proxy of JupyterHub: a route for each task, only for HTTP and WebSocket.

It runs as a pod with the host network, so only the proxy is between the client and the task.
"""

import http.client
import json
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http import HTTPStatus

from task_gateway.errors import ScenarioFailed
from task_gateway.kube.kinds import DEPLOYMENT, POD
from task_gateway.kube.kubectl import kubectl
from task_gateway.kube.pods import not_running
from task_gateway.kube.wait import wait_until_gone, wait_until_settled
from task_gateway.model import Manifest
from task_gateway.settings import POD_GONE, Wait
from task_gateway_lab.bench.bench_cluster import NAMESPACE
from task_gateway_lab.bench.http_client import HttpEndpoint
from task_gateway_lab.bench.peers import components
from task_gateway_lab.bench.peers.base import Peer, PeerContext, PeerTarget, Unavailable, declare
from task_gateway_lab.clusters import base as clusters
from task_gateway_lab.clusters import hub_image

NAME, PROGRAM = "bench-http-proxy", "configurable-http-proxy"
PORT, API_PORT = 38000, 38001
API_SECONDS = 10.0
LABELS = f"app={NAME}"
READY = Wait("http-proxy-ready", "configurable-http-proxy runs and answers", 120)


class Routes:
    """Adds and deletes routes with the REST API of the proxy, like JupyterHub."""

    def __init__(self, host: str, token: str, *, port: int = PORT, api_port: int = API_PORT) -> None:
        self._host = host
        self._token = token
        self._port = port
        self._api_port = api_port

    def open(self, target: PeerTarget) -> HttpEndpoint:
        """Add a route."""
        self._request("POST", target, HTTPStatus.CREATED, {"target": f"http://{target.host}:{target.port}"})
        return HttpEndpoint(self._host, self._port, _prefix(target))

    def close(self, target: PeerTarget) -> None:
        """Delete a route, if it exists. The proxy keeps routes only in memory."""
        self._request("DELETE", target, HTTPStatus.NO_CONTENT, also=HTTPStatus.NOT_FOUND)

    def _request(
        self,
        method: str,
        target: PeerTarget,
        expected: HTTPStatus,
        body: Manifest | None = None,
        *,
        also: HTTPStatus | None = None,
    ) -> None:
        connection = http.client.HTTPConnection(self._host, self._api_port, timeout=API_SECONDS)
        headers = {"Authorization": f"token {self._token}", "Content-Type": "application/json"}
        path = f"/api/routes{_prefix(target)}"
        try:
            connection.request(method, path, json.dumps(body) if body else None, headers)
            status = connection.getresponse().status
        finally:
            connection.close()
        if status not in (expected, also):
            where = f"{self._host}:{self._api_port}"
            raise ScenarioFailed(f"{PROGRAM} answered {method} {path} with status {status}", where=where)


@contextmanager
def start(context: PeerContext) -> Iterator[Routes]:
    """Run the proxy, if the archive of its image exists."""
    archive = context.bench.charts.gateway.parent / hub_image.ARCHIVE
    if not archive.is_file():
        raise Unavailable(f"its image {archive.name} does not exist: make hub")
    clusters.load(context.bench.cluster.name, archive)
    kube, token = context.bench.kube, secrets.token_hex()
    kube.create(deployment(token))
    try:
        context.say(f"waiting until {READY.sentence}")
        wait_until_settled(kube, READY, POD, NAMESPACE, LABELS, _missing, seconds=1.0)
        yield Routes(context.bench.address, token)
    finally:
        names = [each["metadata"]["name"] for each in kube.list(POD, NAMESPACE, LABELS)]
        kube.delete(DEPLOYMENT, NAME, NAMESPACE)
        for name in names:
            wait_until_gone(kube, POD_GONE, POD, name, NAMESPACE)


def versions(context: PeerContext) -> dict[str, str]:
    """Return the version that the proxy reports."""
    words = ["--namespace", NAMESPACE, "exec", f"deployment/{NAME}", "--", PROGRAM, "--version"]
    return {PROGRAM: kubectl(context.bench.cluster, *words).strip()}


def deployment(token: str) -> Manifest:
    """Return the proxy with its two ports, which forgets its routes when it restarts."""
    arguments = ["--ip=0.0.0.0", f"--port={PORT}", "--api-ip=0.0.0.0", f"--api-port={API_PORT}"]
    container = {
        "name": "proxy",
        "image": hub_image.NAME,
        "imagePullPolicy": "IfNotPresent",
        "command": [PROGRAM, *arguments],
        "env": [{"name": "CONFIGPROXY_AUTH_TOKEN", "value": token}],
        "readinessProbe": {"tcpSocket": {"port": API_PORT}, "periodSeconds": 1},
    }
    labels = {"app": NAME}
    pod = {
        "hostNetwork": True,
        "terminationGracePeriodSeconds": 0,
        "automountServiceAccountToken": False,
        "containers": [container],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": NAME, "namespace": NAMESPACE},
        "spec": {
            "strategy": {"type": "Recreate"},
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }


def _missing(pods: Sequence[Manifest]) -> str | None:
    if not pods:
        return "there is no pod"
    return next((state for each in pods if (state := not_running(each))), None)


def _prefix(target: PeerTarget) -> str:
    return f"/{target.name}"


declare(
    Peer(
        name=PROGRAM,
        start=start,
        middle=(components.API_SERVER, components.pods(PROGRAM, NAMESPACE, lambda _context: LABELS)),
        versions=versions,
    )
)
