"""The library in a separate process, which is killed (SIGKILL) between two of its writes."""

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
    """An API server that kills its client before the write with that number, counted from 0."""

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
    """Kill the library before each write of a call, and last after all of them; yield the number of its writes.

    A kill before a write has the same effect as a kill right after the previous write.
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
