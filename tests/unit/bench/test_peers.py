"""The ways that are compared with a slot: their requests to the cluster, and how they detect that they do not exist."""

import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.unit.memory import Memory

from task_gateway.errors import NotFound, ScenarioFailed
from task_gateway.kube.kinds import SERVICE
from task_gateway.model import TASK_LABEL, Cluster, Manifest
from task_gateway.settings import Wait
from task_gateway_lab.bench import http_client
from task_gateway_lab.bench.bench_cluster import NAMESPACE, Charts
from task_gateway_lab.bench.peers import base, components, http_proxy, load_balancer, port_forward
from task_gateway_lab.bench.peers.base import PeerTarget, Unavailable
from task_gateway_lab.bench.peers.http_proxy import Routes
from task_gateway_lab.bench.peers.load_balancer import LoadBalancers
from task_gateway_lab.bench.peers.node_port import NodePorts
from task_gateway_lab.bench.peers.port_forward import PortForwards

TARGET = PeerTarget("bench-peer-1", "10.0.0.7", 7780)
KUBECTL = f"""#!{sys.executable}
import sys, threading
from task_gateway_lab.bench import http_task
assert "--kubeconfig" in sys.argv, sys.argv
port, target = sys.argv[-1].split(":")
name = sys.argv[-2].removeprefix("pod/")
http_task.TaskServer("127.0.0.1", int(port), f"{{name}}-{{target}}").serve_forever()
"""


class Cloud(Memory):
    """A cluster that gives Services a node port and, if it has `addresses`, an address."""

    def __init__(self, *addresses: str) -> None:
        super().__init__()
        self.addresses = addresses

    def create(self, obj: Manifest, *, dry_run: bool = False) -> Manifest:
        ports = [{**each, "nodePort": 31234} for each in obj["spec"]["ports"]]
        given = {"loadBalancer": {"ingress": [{"ip": each} for each in self.addresses]}}
        made = {**obj, "spec": {**obj["spec"], "ports": ports}, "status": given}
        self.put(SERVICE, made, obj["metadata"]["name"], obj["metadata"]["namespace"])
        return made

    def delete(self, kind: str, name: str, namespace: str | None = None, **_options: Any) -> None:
        left = [each for each in self.list(kind) if each["metadata"]["name"] != name]
        self._objects[kind] = left

    def watch(self, kind: str, namespace: str | None = None, **options: Any) -> Iterator[tuple[str, Manifest]]:
        try:
            yield "ADDED", self.get(kind, options["name"], namespace)
        except NotFound:
            return


def test_one_way_is_the_one_that_the_others_are_compared_with() -> None:
    found = base.in_order()
    assert [each.reference for each in found] == [True] + [False] * (len(found) - 1)
    assert all(components.API_SERVER in each.middle for each in found)
    assert len({part.name for part in base.components_of(found)}) == len(base.components_of(found))


def test_a_node_port_is_a_service_that_selects_the_task() -> None:
    kube = Cloud()
    found = NodePorts(kube, "192.0.2.9")
    assert str(found.open(TARGET)) == "192.0.2.9:31234"
    (service,) = kube.list(SERVICE, NAMESPACE)
    assert service["spec"]["selector"] == {TASK_LABEL: TARGET.name}
    assert service["spec"]["type"] == "NodePort"
    found.close(TARGET)
    assert kube.list(SERVICE) == []


def test_a_load_balancer_is_reached_at_the_address_it_gets(context: Any) -> None:
    kube = Cloud("198.51.100.4")
    assert str(LoadBalancers(kube).open(TARGET)) == "198.51.100.4:7780"
    LoadBalancers(kube).close(TARGET)
    with load_balancer.start(context(kube)) as found:
        assert str(found.open(TARGET)) == "198.51.100.4:7780"


def test_a_cluster_without_load_balancers_is_named(context: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    kube = Cloud()
    monkeypatch.setattr(load_balancer, "TRIED", Wait("tried", "it has an address", 0.05))
    with pytest.raises(Unavailable, match=r"no address to a Service of type LoadBalancer within 0\.05 s"):
        load_balancer.start(context(kube)).__enter__()
    assert kube.list(SERVICE) == []


@pytest.fixture
def context() -> Any:
    """A context of which only the connection to the cluster is used."""

    def make(kube: Any, dist: Path = Path("dist")) -> Any:
        charts = Charts(dist / "gateway.tgz", dist / "crds.tgz")
        bench = type("", (), {"kube": kube, "cluster": kube.cluster, "address": "192.0.2.9", "charts": charts})()
        return type("", (), {"bench": bench, "say": staticmethod(print)})()

    return make


def test_a_port_is_forwarded_by_a_process_for_each_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "kubectl"
    program.write_text(KUBECTL)
    program.chmod(0o755)
    monkeypatch.setenv("TASK_GATEWAY_TOOLS", str(tmp_path))
    forwards = PortForwards(Cluster("here", "kind", Path("kubeconfig"), "kind-here"), tmp_path)
    others = PeerTarget("bench-peer-2", "10.0.0.8", 7780)
    endpoints = [forwards.open(each) for each in (TARGET, others)]
    for endpoint, name in zip(endpoints, ("bench-peer-1-7780", "bench-peer-2-7780"), strict=True):
        assert endpoint.host == port_forward.HOST
        http_client.wait_first_byte(endpoint, name)
    forwards.close(TARGET)
    forwards.close(TARGET)
    http_client.wait_gone(endpoints[0])
    assert http_client.read_name(endpoints[1])
    forwards.close_all()
    http_client.wait_gone(endpoints[1])


class Api(BaseHTTPRequestHandler):
    """Keeps routes as configurable-http-proxy does."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.routes[self.path] = body["target"]  # type: ignore[attr-defined]
        self._answer(201)

    def do_DELETE(self) -> None:
        self._answer(204 if self.server.routes.pop(self.path, None) else 404)  # type: ignore[attr-defined]

    def log_message(self, format: str, *args: object) -> None:
        pass

    def _answer(self, status: int) -> None:
        self.send_response(status if self.headers["Authorization"] == "token secret" else 403)
        self.end_headers()


@pytest.fixture
def api() -> Iterator[HTTPServer]:
    with HTTPServer(("127.0.0.1", 0), Api) as server:
        server.routes = {}  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


def test_a_route_is_added_and_deleted_by_the_proxys_api(api: Any) -> None:
    routes = Routes("127.0.0.1", "secret", port=8000, api_port=api.server_address[1])
    assert str(routes.open(TARGET)) == "127.0.0.1:8000/bench-peer-1"
    assert api.routes == {"/api/routes/bench-peer-1": "http://10.0.0.7:7780"}
    routes.close(TARGET)
    routes.close(TARGET)  # a proxy that was restarted has no routes
    assert api.routes == {}


def test_a_refusal_of_the_proxy_ends_the_run(api: Any) -> None:
    routes = Routes("127.0.0.1", "wrong", api_port=api.server_address[1])
    with pytest.raises(ScenarioFailed, match="status 403"):
        routes.open(TARGET)


def test_a_toolchain_without_the_image_of_the_proxy_is_named(context: Any, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"task-gateway-hub-.*\.oci\.tar does not exist: make hub"):
        http_proxy.start(context(Cloud(), tmp_path)).__enter__()


def test_the_proxy_can_be_reached_at_its_node_and_by_its_token_only() -> None:
    spec = http_proxy.deployment("secret")["spec"]["template"]["spec"]
    assert spec["hostNetwork"] is True
    (container,) = spec["containers"]
    assert container["env"] == [{"name": "CONFIGPROXY_AUTH_TOKEN", "value": "secret"}]
    assert f"--port={http_proxy.PORT}" in container["command"]


def test_the_version_is_what_the_proxy_reports(context: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "kubectl"
    program.write_text(
        '#!/bin/sh\ncase "$*" in *" exec deployment/bench-http-proxy -- "*" --version") echo 5.1.0 ;; esac\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("TASK_GATEWAY_TOOLS", str(tmp_path))
    assert http_proxy.versions(context(Cloud())) == {"configurable-http-proxy": "5.1.0"}
