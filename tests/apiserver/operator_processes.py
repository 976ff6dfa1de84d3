"""An operator in a separate process, which gets a signal before the write that a test selects."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.apiserver.operators import until
from tests.apiserver.strategies import WRITES

from task_gateway.kube.client import Kube
from task_gateway.model import Cluster
from task_gateway.operator.run import Operator, Options

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload([__name__])
NEVER = -1


class Struck:
    """An API server that sends a signal to its client before a write; writes of the Lease are not counted."""

    def __init__(self, kube: Kube, child: "Child") -> None:
        self._kube, self._child, self._lock = kube, child, threading.Lock()

    def __getattr__(self, verb: str) -> Callable[..., Any]:
        real: Callable[..., Any] = getattr(self._kube, verb)
        if verb not in WRITES or verb == "replace":
            return real

        def call(*args: Any, **kwargs: Any) -> Any:
            if verb == "create" and args[0]["kind"] == "Lease":
                return real(*args, **kwargs)
            with self._lock:
                if self._child.begun.value == self._child.write:
                    os.kill(os.getpid(), self._child.number)
                self._child.begun.value += 1
            try:
                return real(*args, **kwargs)
            finally:
                with self._lock:
                    self._child.answered.value += 1

        return call


@dataclass
class Child:
    """A process with an operator: the number of its writes, the number of responses, and whether it is the leader.

    It gets the signal before the write with that number, counted from 0.
    """

    cluster: Cluster
    options: Options
    write: int = NEVER
    number: signal.Signals = signal.SIGKILL
    begun: Any = field(default_factory=lambda: PROCESSES.Value("i", 0))
    answered: Any = field(default_factory=lambda: PROCESSES.Value("i", 0))
    leads: Any = field(default_factory=lambda: PROCESSES.Value("b", 0))

    @contextmanager
    def running(self) -> "Iterator[Child]":
        """Run the operator until the context ends."""
        self.process = PROCESSES.Process(
            target=_work,
            args=(self.cluster, self.options, self.write, self.number, self.begun, self.answered, self.leads),
        )
        self.process.start()
        try:
            yield self
        finally:
            self.process.kill()
            self.process.join()

    @property
    def ended(self) -> bool:
        """Whether the process was killed."""
        return self.process.exitcode is not None

    @property
    def stands_still(self) -> bool:
        """Whether the process is suspended by SIGSTOP."""
        after_name = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2]
        return after_name.split()[0] == "T"

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process."""
        os.kill(int(self.process.pid or 0), number)


def killed(cluster: Cluster, options: Options, write: int, settled: Callable[[], bool]) -> bool:
    """Run an operator in a process until it is killed before that write, or all is settled; return whether it was."""
    with Child(cluster, options, write).running() as child:
        until(lambda: child.ended or settled(), seconds=60)
        return child.ended


def _work(
    cluster: Cluster, options: Options, write: int, number: signal.Signals, begun: Any, answered: Any, leads: Any
) -> None:
    kube: Any = Struck(Kube(cluster), Child(cluster, options, write, number, begun, answered, leads))
    operator = Operator(kube, options)
    operator.start()
    while True:
        leads.value = operator.leads
        time.sleep(0.01)
