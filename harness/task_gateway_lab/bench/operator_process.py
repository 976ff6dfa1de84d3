"""A process of the operator on this machine, and the figures of its kernel and of its metrics."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from task_gateway.deferred import urllib3
from task_gateway.kube.process import spawn, tool
from task_gateway.model import Cluster
from task_gateway.operator.metrics import PREFIX
from task_gateway.polling import attempts
from task_gateway.settings import Wait
from task_gateway_lab.bench.bench_cluster import NAMESPACE, RELEASE
from task_gateway_lab.bench.meters import Count, requests_of
from task_gateway_lab.clusters.control_plane import HOST, free_ports

READY = Wait("operator-ready", "the process of the operator is ready", 60)
EXPOSED = Wait("pods-exposed", "the operator has exposed all pods", 900)
READY_PAUSE_SECONDS, EXPOSED_PAUSE_SECONDS = 0.005, 0.5
ANSWER_SECONDS = 5.0
GAUGE = f'{PREFIX}exposed{{namespace="{NAMESPACE}"}} '
USER_TIME, SYSTEM_TIME = 11, 12
"""Fields of /proc/PID/stat after the name of the program, in clock ticks: proc(5)."""


class OperatorProcess:
    """A running operator; `started` is when it was started."""

    def __init__(self, pid: int, port: int, log: Path, started: float) -> None:
        self._pid, self._port, self._log, self._started = pid, port, log, started
        self._http = urllib3.PoolManager(retries=False, timeout=ANSWER_SECONDS)

    def wait_until_ready(self) -> float:
        """Return when it is ready, with the seconds since its start."""
        state = ""
        for _ in attempts(READY, READY_PAUSE_SECONDS):
            status, state = self._get("/readyz")
            if status == 200:
                return time.monotonic() - self._started
        raise READY.timed_out(state, str(self._log))

    def wait_until_exposed(self, pods: int) -> None:
        """Return when that many pods are exposed."""
        exposed = 0
        for _ in attempts(EXPOSED, EXPOSED_PAUSE_SECONDS):
            lines = self._get("/metrics")[1].splitlines()
            exposed = next((int(line.removeprefix(GAUGE)) for line in lines if line.startswith(GAUGE)), 0)
            if exposed == pods:
                return
        raise EXPOSED.timed_out(f"{exposed:,} of {pods:,} are exposed", str(self._log))

    def requests(self) -> Count:
        """Return its requests to the API server, without watches and those of its Lease."""
        return requests_of(self._get("/metrics")[1])

    def cpu_seconds(self) -> float:
        """Return its CPU seconds until now."""
        fields = Path(f"/proc/{self._pid}/stat").read_text().rpartition(") ")[2].split()
        return (int(fields[USER_TIME]) + int(fields[SYSTEM_TIME])) / os.sysconf("SC_CLK_TCK")

    def memory_mib(self) -> float:
        """Return the largest resident memory until now, in MiB."""
        lines = Path(f"/proc/{self._pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))

    def _get(self, path: str) -> tuple[int, str]:
        try:
            answer = self._http.request("GET", f"http://{HOST}:{self._port}{path}")
        except (urllib3.exceptions.HTTPError, OSError) as problem:
            return 0, str(problem)
        return answer.status, answer.data.decode()


@contextmanager
def running(cluster: Cluster) -> Iterator[OperatorProcess]:
    """Run the operator of the bench's gateway in a process, which ends with the context."""
    (port,) = free_ports(1)
    log = cluster.kubeconfig.parent / "operator.log"
    started = time.monotonic()
    process = spawn(
        [
            tool("task-gateway"), "operator", "--gateway", f"{NAMESPACE}/{RELEASE}", "--port", str(port),
            "--no-measure-reached", "--kubeconfig", cluster.kubeconfig,
        ],
        log=log,
    )  # fmt: skip
    try:
        yield OperatorProcess(process.pid, port, log, started)
    finally:
        process.stop()
