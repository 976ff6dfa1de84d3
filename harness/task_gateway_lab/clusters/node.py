"""Runs commands in a kind node: stops, resumes and kills its processes, and sets the next address of its CNI plugin."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address

from task_gateway.model import Cluster
from task_gateway_lab.clusters.base import folder
from task_gateway_lab.clusters.engine import Engine, engine
from task_gateway_lab.clusters.kind import ENGINE

API_SERVER, PROXY = "^kube-apiserver ", r"^(/\S*/)?envoy "
LAST_ADDRESS = "/var/lib/cni/networks/*/last_reserved_ip.0"


@dataclass(frozen=True)
class Node:
    """The one node of a cluster, a container of `engine`."""

    engine: Engine
    name: str

    @classmethod
    def running(cls, cluster: Cluster) -> "Node":
        """Return the node of a cluster that kind created here."""
        return cls(engine((folder(cluster.name) / ENGINE).read_text()), f"{cluster.name}-control-plane")

    def run(self, *words: str) -> str:
        """Run a program in the node and return what it printed."""
        return self.engine.run("exec", self.name, *words).stdout

    def process(self, pattern: str) -> str:
        """Return the id, in the node, of the one process whose command line matches."""
        (pid,) = self.run("pgrep", "--full", pattern).split()
        return pid

    def send(self, number: signal.Signals, pid: str) -> None:
        """Send a signal to a process."""
        self.run("kill", f"-{number.value}", pid)

    @contextmanager
    def stopped(self, pattern: str) -> Iterator[None]:
        """Suspend a process: it keeps its connections but does not answer."""
        pid = self.process(pattern)
        self.send(signal.SIGSTOP, pid)
        try:
            yield
        finally:  # the process may be gone, if the kubelet has started another
            self.engine.run("exec", self.name, "kill", f"-{signal.SIGCONT.value}", pid, check=False)

    def kill(self, pattern: str) -> None:
        """Kill a process."""
        self.send(signal.SIGKILL, self.process(pattern))

    def next_address(self, address: str) -> None:
        """Give the next pod this address, if it is free: the plugin assigns the address after the last one."""
        before = ip_address(address) - 1
        self.run("sh", "-c", f"for file in {LAST_ADDRESS}; do printf {before} > $file; done")
