"""The stand-in master: starts tasks, exposes them in clusters whose pods it cannot reach, and proxies to them.

All its state is in the clusters: pods with the task label are its tasks, and Services have their ports. So it can be
restarted at any time.
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
from task_gateway_lab.master.managed_cluster import ManagedCluster
from task_gateway_lab.master.platform import RunningTask, TaskRequest
from task_gateway_lab.master.proxy_client import ProxyClient

NOT_FOUND = 404  # the status of the proxy for an unknown task
KIND, OWNER = f"{LABEL_PREFIX}/kind", f"{LABEL_PREFIX}/owner"


class StandInMaster:
    """A platform with several resource managers; its proxy runs in the cluster of the first one."""

    def __init__(
        self, managed_clusters: Mapping[str, ManagedCluster], image: str, namespace: str, address: Address
    ) -> None:
        self._managed_clusters = managed_clusters
        self._image = image
        self._namespace = namespace
        self._address = address
        self._home = next(iter(managed_clusters.values())).kube
        self._proxy: ProxyClient | None = None

    @property
    def cluster(self) -> Cluster:
        """The cluster that the master's own pod runs in."""
        return self._home.cluster

    def start(self) -> None:
        """Start the master's own pod, and register the existing tasks."""
        self._proxy = launcher.start_master(self._home, self._namespace, self._image, self._address)
        for task in self.tasks():
            self._proxy.register(task.id, task.address)

    def restart(self) -> None:
        """Restart the master's own pod."""
        launcher.end_master(self._home, self._namespace)
        self.start()

    def launch(self, request: TaskRequest) -> RunningTask:
        """Start a task and return it when it is reachable; remove it after a failure."""
        managed, kind = self._managed(request.manager), KINDS.get(request.kind)
        token = request.secret or secrets.token_urlsafe(24)
        task = Task(request.id, managed.namespace, request.ports or kind.ports, request.owner)
        pod = kind.pod(task, self._image)
        pod["metadata"]["annotations"] = {KIND: request.kind, OWNER: request.owner}
        try:
            ready = launcher.start_task(managed.kube, task, pod, token)
            addresses = self._reach(managed, task, ready, TaskObject(POD, task.id, ready["metadata"]["uid"]))
            self.proxy.register(task.id, addresses[0])
        except BaseException:
            with suppress(TaskGatewayError):
                self._end(managed, task.id)
            raise
        return RunningTask(task.id, request.kind, managed.name, request.owner, addresses, f"token {token}", task.id)

    def tasks(self) -> list[RunningTask]:
        """Return the tasks that have a pod, with their addresses."""
        return [each for managed in self._managed_clusters.values() for each in self._tasks(managed)]

    def kill(self, task_id: str) -> None:
        """End a task on any resource manager."""
        for managed in self._managed_clusters.values():
            if managed.kube.find(POD, task_id, managed.namespace) or managed.kube.find(
                SECRET, task_id, managed.namespace
            ):
                self._end(managed, task_id)
        self.proxy.forget(task_id)

    def gone(self, task_id: str) -> str:
        """Return the proxy's reply when it does not know the task any more."""
        return f"the master reports {self.proxy.wait_until(task_id, NOT_FOUND, settings.TASK_REFUSED)}"

    def url(self, task_id: str) -> str:
        """Return the base URL of a task at the proxy."""
        return self.proxy.notebook_url(task_id)

    @property
    def proxy(self) -> ProxyClient:
        """The proxy of the running master; UsageError before it was started."""
        if self._proxy is None:
            raise UsageError("the master was not started")
        return self._proxy

    def _managed(self, name: str) -> ManagedCluster:
        try:
            return self._managed_clusters[name]
        except KeyError:
            raise UsageError(
                f"no resource manager is called {name}", hint=f"known: {', '.join(self._managed_clusters)}"
            ) from None

    def _reach(self, managed: ManagedCluster, task: Task, pod: Manifest, made: TaskObject) -> tuple[Address, ...]:
        if managed.gateway is None:
            return tuple(Address(pod["status"]["podIP"], port) for port in task.ports)
        owned = Task(task.id, task.namespace, task.ports, task.owner, made)
        return managed.gateway.expose(owned, wait=settings.TASK_EXPOSED)

    def _tasks(self, managed: ManagedCluster) -> list[RunningTask]:
        exposed: dict[str, list[Address]] = {}
        for each in managed.gateway.exposed() if managed.gateway else ():
            exposed.setdefault(each.task_id, []).append(each.address)
        found = []
        for pod in managed.kube.list(POD, managed.namespace, TASK_LABEL):
            notes, task = pod["metadata"].get("annotations") or {}, pod["metadata"]["labels"][TASK_LABEL]
            addresses = tuple(exposed.get(task, ())) if managed.gateway else _own(pod)
            if KIND in notes and addresses:
                found.append(RunningTask(task, notes[KIND], managed.name, notes.get(OWNER, ""), addresses))
        return found

    def _end(self, managed: ManagedCluster, task_id: str) -> None:
        """End a task. Its ports are freed first, before another pod can get the address of its pod."""
        if managed.gateway is not None:
            managed.gateway.release(task_id, wait=settings.TASK_REFUSED)
        launcher.end_task(managed.kube, Task(task_id, managed.namespace, ()))
        wait_until_gone(managed.kube, settings.POD_GONE, POD, task_id, managed.namespace)


def _own(pod: Manifest) -> tuple[Address, ...]:
    host = (pod.get("status") or {}).get("podIP")
    ports = [port["containerPort"] for each in pod["spec"]["containers"] for port in each.get("ports") or ()]
    return tuple(Address(host, port) for port in ports) if host else ()
