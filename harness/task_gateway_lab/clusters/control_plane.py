"""Provider `control-plane`: etcd and kube-apiserver as two processes; ready in seconds, without nodes or containers.

It is sufficient for tests of CRDs, CEL, admission, and conditional writes against a real API server.
"""

import secrets
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from task_gateway.deferred import yaml
from task_gateway.errors import ClusterUnreachable
from task_gateway.kube.client import Kube
from task_gateway.kube.process import Process, end, spawn, tool
from task_gateway.model import Cluster, Say
from task_gateway.polling import attempts
from task_gateway.settings import API_READY
from task_gateway_lab.clusters.base import KUBECONFIG, PROVIDERS, ClusterRequest, folder

HOST = "127.0.0.1"
SERVICE_RANGE = "10.96.0.0/16"
CHECK_INTERVAL_SECONDS = 0.1


@PROVIDERS.register("control-plane")
class ControlPlane:
    """Processes that outlive the call; their ids are recorded in the cluster's folder."""

    name = "control-plane"
    arguments: ClassVar[tuple[str, ...]] = ()
    """Additional arguments of kube-apiserver."""

    def up(self, request: ClusterRequest, *, say: Say) -> Cluster:
        """Start etcd and kube-apiserver on free loopback ports and return when the API server is ready."""
        place, started = folder(request.name), time.monotonic()
        client_port, peer_port, api_port = free_ports(3)
        token = secrets.token_urlsafe(24)
        (place / "tokens.csv").touch(mode=0o600)
        (place / "tokens.csv").write_text(f'{token},admin,admin,"system:masters"\n')
        say(f"cluster {request.name}: waiting until {API_READY.sentence}")
        etcd = f"http://{HOST}:{client_port}"
        self._start(place, "etcd", [
            f"--data-dir={place / 'etcd'}", "--unsafe-no-fsync", f"--listen-peer-urls=http://{HOST}:{peer_port}",
            f"--listen-client-urls={etcd}", f"--advertise-client-urls={etcd}",
        ]).detach()  # fmt: skip
        certificates = place / "certificates"
        server = self._start(place, "kube-apiserver", [
            f"--etcd-servers={etcd}", f"--bind-address={HOST}", f"--secure-port={api_port}",
            f"--advertise-address={HOST}", "--endpoint-reconciler-type=none",
            f"--cert-dir={certificates}", f"--token-auth-file={place / 'tokens.csv'}", "--authorization-mode=RBAC",
            f"--service-account-key-file={certificates / 'apiserver.key'}",
            f"--service-account-signing-key-file={certificates / 'apiserver.key'}",
            "--service-account-issuer=https://task-gateway.invalid", f"--service-cluster-ip-range={SERVICE_RANGE}",
            "--disable-admission-plugins=ServiceAccount", *self.arguments,
        ])  # fmt: skip
        cluster = Cluster(request.name, self.name, place / KUBECONFIG)
        try:
            _wait_for_file(certificates / "apiserver.crt", server, place)
            _write_kubeconfig(cluster, f"https://{HOST}:{api_port}", token, certificates / "apiserver.crt")
            _wait_ready(Kube(cluster), server, place)
        finally:
            server.detach()
        say(f"cluster {request.name}: up after {time.monotonic() - started:.0f} s")
        return cluster

    def down(self, cluster: Cluster) -> None:
        """End both processes, which are identified by their recorded ids and their arguments."""
        place = folder(cluster.name)
        for program in ("kube-apiserver", "etcd"):
            file = place / f"{program}.pid"
            if file.exists():
                end(int(file.read_text()), f"{place}/")

    def _start(self, place: Path, program: str, arguments: list[str]) -> Process:
        process = spawn([tool(program), *arguments], log=place / f"{program}.log")
        (place / f"{program}.pid").write_text(str(process.pid))
        return process


def _write_kubeconfig(cluster: Cluster, server: str, token: str, certificate: Path) -> None:
    name = cluster.name
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "clusters": [{"name": name, "cluster": {"server": server, "certificate-authority": str(certificate)}}],
        "users": [{"name": name, "user": {"token": token}}],
    }
    cluster.kubeconfig.touch(mode=0o600)
    cluster.kubeconfig.write_text(yaml.safe_dump(content))


def _wait_for_file(file: Path, server: Process, place: Path) -> None:
    _wait_until(lambda: None if file.exists() else f"no {file.name} yet", server, place)


def _wait_ready(kube: Kube, server: Process, place: Path) -> None:
    _wait_until(kube.ready, server, place)


def _wait_until(missing: Callable[[], str | None], server: Process, place: Path) -> None:
    """Poll until nothing is missing, because there is nothing to watch before the API server runs."""
    log, state = place / "kube-apiserver.log", ""
    for _ in attempts(API_READY, CHECK_INTERVAL_SECONDS):
        said = missing()
        if said is None:
            return
        state = said
        if server.poll() is not None:
            last = log.read_text(errors="replace").strip().splitlines()[-1:]
            raise ClusterUnreachable(
                f"kube-apiserver ended with exit code {server.poll()}: {' '.join(last)}", where=str(log)
            )
    raise API_READY.timed_out(state, str(log))


def free_ports(count: int) -> list[int]:
    """Return ports of the loopback address that nothing uses."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind((HOST, 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()
