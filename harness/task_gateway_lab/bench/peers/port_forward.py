"""`kubectl port-forward`: one process for each task, whose connections pass through the API server and the kubelet."""

import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from task_gateway.kube.kubectl import options
from task_gateway.kube.process import Process, Word, spawn, tool
from task_gateway.model import Cluster
from task_gateway_lab.bench.bench_cluster import NAMESPACE
from task_gateway_lab.bench.http_client import HttpEndpoint
from task_gateway_lab.bench.peers import components
from task_gateway_lab.bench.peers.base import Peer, PeerContext, PeerTarget, declare

HOST = "127.0.0.1"


class PortForwards:
    """Runs kubectl for each task, with a free port of this machine."""

    def __init__(self, cluster: Cluster, logs: Path) -> None:
        self._cluster = cluster
        self._logs = logs
        self._processes: dict[str, Process] = {}

    def open(self, target: PeerTarget) -> HttpEndpoint:
        """Start the process. It listens after the API server has answered."""
        port = _free_port()
        words = ["--namespace", NAMESPACE, "port-forward", "--address", HOST, f"pod/{target.name}"]
        argv: list[Word] = [tool("kubectl"), *options(self._cluster), *words, f"{port}:{target.port}"]
        self._processes[target.name] = spawn(argv, log=self._logs / f"{target.name}.log")
        return HttpEndpoint(HOST, port)

    def close(self, target: PeerTarget) -> None:
        """End the process."""
        if process := self._processes.pop(target.name, None):
            process.stop()

    def close_all(self) -> None:
        """End all processes."""
        for process in self._processes.values():
            process.stop()


@contextmanager
def start(context: PeerContext) -> Iterator[PortForwards]:
    """End all processes after the measurement."""
    with tempfile.TemporaryDirectory(prefix="task-gateway-port-forward-") as logs:
        forwards = PortForwards(context.bench.cluster, Path(logs))
        try:
            yield forwards
        finally:
            forwards.close_all()


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as free:
        port: int = free.getsockname()[1]
    return port


declare(Peer(name="kubectl port-forward", start=start, middle=(components.API_SERVER,)))
