"""A Determined master under load, as in its source: five workers, a lock for the Gateway, its start and its stops.

Read in master/internal/rm/kubernetesrm (request_workers.go, gateway_service.go, jobs.go) of Determined 0.38.1.
"""

import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from tests.apiserver.determined import LABEL, DeterminedMaster, job, job_name, listener, objects

from task_gateway.checks.determined import ROUTE
from task_gateway.errors import Conflict, NotFound
from task_gateway.kube.kinds import CONFIG_MAP, JOB, SERVICE
from task_gateway.model import Manifest
from task_gateway.routing import determined
from task_gateway.routing.gateway_listeners import DETERMINED_NOTE

WORKERS = 5


@dataclass
class LoadTask:
    """A task with `count` ports. `ports` are those that it got; a task that is `lost` got none, and was killed."""

    allocation: str
    count: int = 1
    ports: tuple[int, ...] = ()
    lost: bool = False


@dataclass
class Loaded(DeterminedMaster):
    """A master with the concurrency of the real one. Its counters are kept after a restart."""

    writes: list[float] = field(default_factory=list)
    """The seconds of each change of the Gateway, from the first read to the write that succeeded, or to the last."""
    leaked: list[int] = field(default_factory=list)
    """Ports whose listener it failed to remove."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def launch(self, tasks: Iterable[LoadTask]) -> None:
        """Start tasks, and return when each is exposed or lost."""
        self._at_once([partial(self._create, each) for each in tasks])

    def kill(self, tasks: Iterable[LoadTask]) -> None:
        """End tasks, and return when all their objects are removed."""
        self._at_once([partial(self._delete, each) for each in tasks])

    def replace(self, old: Iterable[LoadTask], new: Iterable[LoadTask]) -> None:
        """End tasks, and start others without a pause: each takes the lowest free ports."""
        self._at_once([*(partial(self._delete, each) for each in old), *(partial(self._create, each) for each in new)])

    def start_again(self, alive: Iterable[LoadTask]) -> list[LoadTask]:
        """Restart with the live tasks: remove objects of other tasks, and return the tasks that continue."""
        self.start()
        tasks = {each.allocation: each for each in alive}
        routes = self.kube.list(ROUTE, self.namespace, LABEL)
        saved = {ref["port"] for each in routes if _allocation(each) in tasks for ref in each["spec"]["parentRefs"]}
        for kind in (JOB, CONFIG_MAP, SERVICE, ROUTE):
            for each in self.kube.list(kind, self.namespace, LABEL):
                if _allocation(each) not in tasks:
                    self.kube.delete(kind, each["metadata"]["name"], self.namespace)
        doomed = [port for port in determined.ports(self._get()) if port not in saved]
        if doomed:
            self._free(doomed)
        return [each for each in tasks.values() if self._reattach(each)]

    def _reattach(self, task: LoadTask) -> bool:
        """Return whether all objects of a task exist; if not, remove the remaining ones."""
        selector = f"{LABEL}={task.allocation}"
        found = {kind: self.kube.list(kind, self.namespace, selector) for kind in (JOB, CONFIG_MAP, SERVICE, ROUTE)}
        ports = [port for port, one in determined.ports(self._get()).items() if one == task.allocation]
        counts = {kind: len(each) for kind, each in found.items()}
        whole = counts == {JOB: 1, CONFIG_MAP: 1, SERVICE: task.count, ROUTE: task.count} and len(ports) == task.count
        if whole:
            task.ports = tuple(sorted(ports))
        else:
            self._delete(task)
        return whole

    def _create(self, task: LoadTask) -> None:
        name = job_name(task.allocation)
        meta = {"name": name, "namespace": self.namespace, "labels": {LABEL: task.allocation}}
        self.kube.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta})
        self.kube.create(job(task.allocation, self.namespace))
        try:
            task.ports = self._add(task)
        except Conflict:  # it reports a failure, and the task is killed without ports
            task.lost = True
            self._delete(task)
            return
        for number, port in enumerate(task.ports):
            for obj in objects(task.allocation, port, self.gateway, self.namespace, number):
                self.kube.create(obj)

    def _delete(self, task: LoadTask) -> None:
        name = job_name(task.allocation)
        for kind in (JOB, CONFIG_MAP):
            self._remove(kind, name)
        for kind in (SERVICE, ROUTE):
            for number in range(len(task.ports)):
                self._remove(kind, f"{name}-{number}")
        if task.ports:
            self._free(task.ports)

    def _remove(self, kind: str, name: str) -> None:
        with suppress(NotFound):
            self.kube.delete(kind, name, self.namespace)

    def _add(self, task: LoadTask) -> tuple[int, ...]:
        ports: list[int] = []

        def add(gateway: Manifest) -> None:
            listeners = gateway["spec"]["listeners"]
            used = {each["port"] for each in listeners}
            first, last = self.gateway.gateway_port_range_start, self.gateway.gateway_port_range_end
            ports[:] = [port for port in range(first, last + 1) if port not in used][: task.count]
            assert len(ports) == task.count, "the master reports that not enough ports are free"
            notes = gateway["metadata"].setdefault("annotations", {})
            notes |= {f"{DETERMINED_NOTE}{port}": task.allocation for port in ports}
            listeners.extend(map(listener, ports))

        self._update(add)
        return tuple(ports)

    def _free(self, ports: Iterable[int]) -> None:
        gone = set(ports)

        def remove(gateway: Manifest) -> None:
            listeners, notes = gateway["spec"]["listeners"], gateway["metadata"].get("annotations") or {}
            gateway["spec"]["listeners"] = [each for each in listeners if each["port"] not in gone] or None
            dropped = {f"{DETERMINED_NOTE}{port}" for port in gone}
            gateway["metadata"]["annotations"] = {key: value for key, value in notes.items() if key not in dropped}

        try:
            self._update(remove)
        except Conflict:  # it is logged, and never retried
            self.leaked += sorted(gone)

    def _update(self, change: Callable[[Manifest], None]) -> None:
        with self._lock:
            began = time.monotonic()
            try:
                super()._update(change)
            finally:
                self.writes.append(time.monotonic() - began)

    def _at_once(self, calls: list[Callable[[], None]]) -> None:
        with ThreadPoolExecutor(WORKERS) as workers:
            for each in [workers.submit(call) for call in calls]:
                each.result()


def _allocation(obj: Manifest) -> str:
    return str(obj["metadata"]["labels"][LABEL])
