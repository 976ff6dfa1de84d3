"""The stand-in master: starts tasks where it is told, exposes them where it cannot reach pods, and proxies to them.

All it knows is in the clusters: pods with a task's label say which tasks there are, Services which ports they have. So
it can be ended at any moment and started again.
"""

import secrets
from collections.abc import Mapping
from contextlib import suppress

from task_gateway import settings
from task_gateway.errors import TaskGatewayError, UsageError
from task_gateway.kube.kinds import POD, SECRET
from task_gateway.kube.wait import wait_until_gone
from task_gateway.model import LABEL_PREFIX, TASK_LABEL, Address, Cluster, Manifest, Task, TaskObject
from task_gateway_lab.master import launcher
from task_gateway_lab.master.kinds.base import KINDS
from task_gateway_lab.master.platform import Running, TaskRequest
from task_gateway_lab.master.sides import Side
from task_gateway_lab.master.table import Master

NOT_FOUND = 404  # what the proxy says of a task that it does not know
KIND, OWNER = f"{LABEL_PREFIX}/kind", f"{LABEL_PREFIX}/owner"


class StandIn:
    """A platform over the sides of some resource managers; its proxy runs in the first one's cluster."""

    def __init__(self, sides: Mapping[str, Side], image: str, namespace: str, address: Address) -> None:
        self._sides = sides
        self._image = image
        self._namespace = namespace
        self._address = address
        self._home = next(iter(sides.values())).kube
        self._proxy: Master | None = None

    @property
    def cluster(self) -> Cluster:
        """The cluster that the master's own pod runs in."""
        return self._home.cluster

    def start(self) -> None:
        """Start the master's own pod, and let it know the tasks that there are."""
        self._proxy = launcher.start_master(self._home, self._namespace, self._image, self._address)
        for task in self.tasks():
            self._proxy.register(task.id, task.address)

    def restart(self) -> None:
        """End the master's own pod and start it again."""
        launcher.end_master(self._home, self._namespace)
        self.start()

    def launch(self, request: TaskRequest) -> Running:
        """Start a task and return it once it is reached; what a failure left is removed."""
        side, kind = self._side(request.manager), KINDS.get(request.kind)
        token = request.secret or secrets.token_urlsafe(24)
        task = Task(request.id, side.namespace, request.ports or kind.ports, request.owner)
        pod = kind.pod(task, self._image)
        pod["metadata"]["annotations"] = {KIND: request.kind, OWNER: request.owner}
        try:
            ready = launcher.start_task(side.kube, task, pod, token)
            addresses = self._reach(side, task, ready, TaskObject(POD, task.id, ready["metadata"]["uid"]))
            self.proxy.register(task.id, addresses[0])
        except BaseException:
            with suppress(TaskGatewayError):
                self._end(side, task.id)
            raise
        return Running(task.id, request.kind, side.name, request.owner, addresses, f"token {token}", task.id)

    def tasks(self) -> list[Running]:
        """Return the tasks whose pods are there, with the addresses that they have."""
        return [each for side in self._sides.values() for each in self._tasks(side)]

    def kill(self, task_id: str) -> None:
        """End a task wherever it runs."""
        for side in self._sides.values():
            if side.kube.find(POD, task_id, side.namespace) or side.kube.find(SECRET, task_id, side.namespace):
                self._end(side, task_id)
        self.proxy.forget(task_id)

    def gone(self, task_id: str) -> str:
        """Return the proxy's reply once it knows the task no more."""
        return f"the master reports {self.proxy.wait_until(task_id, NOT_FOUND, settings.TASK_REFUSED)}"

    def url(self, task_id: str) -> str:
        """Return the base URL of a task by way of the proxy."""
        return self.proxy.notebook_url(task_id)

    @property
    def proxy(self) -> Master:
        """The proxy of the master that runs; UsageError before it was started."""
        if self._proxy is None:
            raise UsageError("the master was not started")
        return self._proxy

    def _side(self, name: str) -> Side:
        try:
            return self._sides[name]
        except KeyError:
            raise UsageError(f"no resource manager is called {name}", hint=f"known: {', '.join(self._sides)}") from None

    def _reach(self, side: Side, task: Task, pod: Manifest, made: TaskObject) -> tuple[Address, ...]:
        if side.gateway is None:
            return tuple(Address(pod["status"]["podIP"], port) for port in task.ports)
        owned = Task(task.id, task.namespace, task.ports, task.owner, made)
        return side.gateway.expose(owned, wait=settings.TASK_EXPOSED)

    def _tasks(self, side: Side) -> list[Running]:
        exposed: dict[str, list[Address]] = {}
        for each in side.gateway.exposed() if side.gateway else ():
            exposed.setdefault(each.task_id, []).append(each.address)
        found = []
        for pod in side.kube.list(POD, side.namespace, TASK_LABEL):
            notes, task = pod["metadata"].get("annotations") or {}, pod["metadata"]["labels"][TASK_LABEL]
            addresses = tuple(exposed.get(task, ())) if side.gateway else _own(pod)
            if KIND in notes and addresses:
                found.append(Running(task, notes[KIND], side.name, notes.get(OWNER, ""), addresses))
        return found

    def _end(self, side: Side, task_id: str) -> None:
        """Free the ports first: what comes through them has nowhere to go before the pod's address is another's."""
        if side.gateway is not None:
            side.gateway.release(task_id, wait=settings.TASK_REFUSED)
        launcher.end_task(side.kube, Task(task_id, side.namespace, ()))
        wait_until_gone(side.kube, settings.POD_GONE, POD, task_id, side.namespace)


def _own(pod: Manifest) -> tuple[Address, ...]:
    host = (pod.get("status") or {}).get("podIP")
    ports = [port["containerPort"] for each in pod["spec"]["containers"] for port in each.get("ports") or ()]
    return tuple(Address(host, port) for port in ports) if host else ()
