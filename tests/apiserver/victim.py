"""A harness that is killed: the library in a process of its own, ended by SIGKILL between two of its writes."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

from tests.apiserver.strategies import Writes

from task_gateway.kube.client import Kube
from task_gateway.model import Cluster, InternalTaskGateway, Task
from task_gateway.routing.gateway import TaskGateway

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload([__name__])


class Deadly(Writes):
    """An API server that kills who talks to it before the write of that number, the first being 0."""

    def __init__(self, kube: Kube, write: int) -> None:
        super().__init__(kube)
        self._deadly = write

    def write(self, number: int, real: Callable[[], Any]) -> Any:
        if number == self._deadly:
            os.kill(os.getpid(), signal.SIGKILL)
        return real()


def killed_at_every_step(
    cluster: Cluster, gateway: InternalTaskGateway, strategy: str, verb: str, task: Task
) -> Iterator[int]:
    """Kill a harness before each write of a call, and last after all of them; yield after each how many it made.

    A process that is killed before a write has left what one killed just after the write before it leaves.
    """
    write, killed = 0, True
    while killed:
        killed = _killed(cluster, gateway, strategy, verb, task, write)
        yield write
        write += 1


def _killed(cluster: Cluster, gateway: InternalTaskGateway, strategy: str, verb: str, task: Task, write: int) -> bool:
    child = PROCESSES.Process(target=_work, args=(cluster, gateway, strategy, verb, task, write))
    child.start()
    child.join()
    assert child.exitcode in (0, -signal.SIGKILL)
    return child.exitcode != 0


def _work(cluster: Cluster, gateway: InternalTaskGateway, strategy: str, verb: str, task: Task, write: int) -> None:
    kube: Any = Deadly(Kube(cluster), write)
    tasks = TaskGateway(kube, gateway, task.namespace, strategy)
    if verb == "expose":
        tasks.expose(task)
    else:
        tasks.release(task.id)
