"""Counts requests of a thread, CPU of the API server, and memory of gateway pods."""

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from task_gateway.errors import ApiError
from task_gateway.kube.client import Kube
from task_gateway.model import Manifest
from task_gateway.operator.metrics import PREFIX, REQUESTS

CPU = "process_cpu_seconds_total"
MIB = 1 << 20
IDLE_SECONDS = 5.0
OPERATOR_PORT = 8080
REQUEST = re.compile(rf'{PREFIX}{REQUESTS}{{method="(\w+)",resource="([^"]*)"}} (\d+)')
READS, WATCH, LEASES = ("GET", "WATCH"), "WATCH", "leases"


@dataclass
class Count:
    """Requests of one thread."""

    writes: int = 0
    requests: int = 0


class MeteredKube(Kube):
    """A client that counts its requests per thread, except watches."""

    _here = threading.local()

    @contextmanager
    def counted(self) -> Iterator[Count]:
        """Count the requests of this thread in the context."""
        before, self._here.count = getattr(self._here, "count", None), Count()
        try:
            yield self._here.count
        finally:
            self._here.count = before

    def cpu_seconds(self) -> float:
        """Return the CPU seconds of the API server since its start."""
        return cpu_of(self._text("/metrics", "the API server's metrics"))

    def memory_mib(self, node: str, namespace: str, container: str) -> int:
        """Return the MiB of the largest container of this name in a namespace on a node, 0 if there is none."""
        path = f"/api/v1/nodes/{node}/proxy/stats/summary"
        return memory_of(self._request("GET", path, f"the kubelet of {node}"), namespace, container)

    def operator_requests(self, pod: str, namespace: str) -> Count:
        """Return the requests of an operator since its start, from its metrics."""
        path = f"/api/v1/namespaces/{namespace}/pods/{pod}:{OPERATOR_PORT}/proxy/metrics"
        return requests_of(self._text(path, f"the metrics of pod {namespace}/{pod}"))

    def _request(self, method: str, path: str, where: str, **options: Any) -> Manifest:
        count: Count | None = getattr(self._here, "count", None)
        if count is not None:
            count.requests += 1
            count.writes += method != "GET"
        return super()._request(method, path, where, **options)


def cpu_of(metrics: str) -> float:
    """Return the CPU seconds in a text with metrics; ApiError if there are none."""
    for line in metrics.splitlines():
        name, _, value = line.partition(" ")
        if name == CPU:
            return float(value)
    raise ApiError(f"the metrics of the API server have no {CPU}")


def requests_of(metrics: str) -> Count:
    """Return the requests in an operator's metrics, without its watches and its Lease, which do not depend on tasks."""
    found = Count()
    for method, resource, count in REQUEST.findall(metrics):
        if method != WATCH and resource != LEASES:
            found.requests += int(count)
            found.writes += 0 if method in READS else int(count)
    return found


def memory_of(summary: Manifest, namespace: str, container: str) -> int:
    """Return the MiB of the largest container of this name, from a kubelet's summary."""
    found = [
        each.get("memory", {}).get("workingSetBytes", 0)
        for pod in summary["pods"]
        if pod["podRef"]["namespace"] == namespace
        for each in pod.get("containers") or []
        if each["name"] == container
    ]
    return round(max(found, default=0) / MIB)


def idle_rate(kube: MeteredKube) -> float:
    """Return the CPU seconds per second of the API server while this program sends no requests."""
    before, started = kube.cpu_seconds(), time.monotonic()
    time.sleep(IDLE_SECONDS)
    return (kube.cpu_seconds() - before) / (time.monotonic() - started)
