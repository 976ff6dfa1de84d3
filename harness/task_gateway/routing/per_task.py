"""What the strategies have in common that make a listener, a route and a Service for each task.

The Service comes first: its name has the port in it, so that of two tasks of a namespace only one gets the port, and
its label tells a repeated call what was begun. Then comes the listener, where the gateway itself lets one port be had
once, and the route last. What fails half-way is undone. What a crash left half made, the same call completes.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime

from task_gateway.errors import AlreadyExists, NoFreeSlot, NotFound, TaskGatewayError, UsageError
from task_gateway.kube.client import Kube
from task_gateway.model import TASK_LABEL, Address, InternalTaskGateway, Manifest, Task
from task_gateway.routing import names, templates
from task_gateway.routing.base import Exposure
from task_gateway.routing.ports import RESERVED
from task_gateway.routing.templates import Templates

GATEWAY = "gateway.networking.k8s.io/v1/Gateway"
LISTENER_SET = "gateway.networking.k8s.io/v1/ListenerSet"
ROUTES = ("gateway.networking.k8s.io/v1", "gateway.networking.k8s.io/v1alpha2")
SERVICE = "v1/Service"
Exposures = list[Exposure]


class PerTask(ABC):
    """One gateway whose tasks run in `namespace`; `name` is the strategy's, and its template's."""

    name: str

    def __init__(self, kube: Kube, gateway: InternalTaskGateway, namespace: str) -> None:
        self._kube = kube
        self._gateway = gateway
        self._namespace = namespace
        self._loaded: Templates | None = None

    def expose(self, task: Task) -> Address:
        """Make the three objects for a task and return its address; what is there of it already is kept.

        NoFreeSlot when the range is exhausted or the API server takes no more listeners; then nothing is left behind.
        """
        names.check_task_id(task.id)
        if task.namespace != self._namespace:
            raise UsageError(
                f"task {task.id} runs in namespace {task.namespace}, this gateway serves {self._namespace}"
            )
        services = self._services()
        mine = next((each for each in services if each["metadata"]["labels"][TASK_LABEL] == task.id), None)
        if mine is not None:
            return self._complete(mine, task)
        held = {_port(each) for each in services} | self._held() | RESERVED
        for port in self._range():
            if port not in held and self._take(port, task):
                return Address(self._gateway.gateway_ip, port)
        free = sum(port not in held for port in self._range())
        raise NoFreeSlot(
            f"no free port: {len(self._range())} in the range, {len(services)} of them held by tasks, "
            f"{len(self._range()) - len(services) - free} by others",
            where=f"Gateway {self._gateway.gateway_namespace}/{self._gateway.gateway_name}",
            hint="release a task, or raise gateway_port_range_end of the master configuration; task-gateway limits",
        )

    def release(self, task_id: str) -> None:
        """Remove what was made for a task, the Service first: without it the port reaches nothing."""
        names.check_task_id(task_id)
        for service in self._services(task_id):
            port, name = _port(service), service["metadata"]["name"]
            # With this selector it reaches nothing; it stays until the rest is gone, so that a repeat finds it.
            self._kube.patch(SERVICE, name, self._namespace, {"spec": {"selector": {TASK_LABEL: names.released(port)}}})
            self._kube.delete(self._route_kind(), name, self._namespace)
            self._close(port, name)
            self._kube.delete(SERVICE, name, self._namespace)

    def list(self) -> Exposures:
        """Return the exposed tasks by port."""
        return [_exposure(each, self._gateway.gateway_ip) for each in sorted(self._services(), key=_port)]

    @abstractmethod
    def _held(self) -> set[int]:
        """Return the ports that the gateway's listeners have."""

    @abstractmethod
    def _open(self, parent: Manifest) -> bool:
        """Add the listener that `parent`, of the template, has, or keep it; False if another has its port."""

    @abstractmethod
    def _close(self, port: int, name: str) -> None:
        """Remove this namespace's listener of a port; fine if there is none."""

    def _take(self, port: int, task: Task) -> bool:
        """Make the objects of a task at a port; False, with nothing left behind, if another has the port."""
        parent, route, service = self._objects(port, task)
        name = service["metadata"]["name"]
        try:
            self._kube.create(service)
        except AlreadyExists:
            return False
        opened = False
        try:
            opened = self._open(parent)
            if opened:
                self._kube.apply(route)
        except BaseException:
            self._undo(port, name)
            raise
        if not opened:
            self._kube.delete(SERVICE, name, self._namespace)
        return opened

    def _complete(self, service: Manifest, task: Task) -> Address:
        """Make what is missing of a task that was begun."""
        port = _port(service)
        target = service["spec"]["ports"][0].get("targetPort")
        if target != task.port:
            raise UsageError(
                f"task {task.id} is exposed with target port {target}, not {task.port}",
                where=f"Service {self._namespace}/{service['metadata']['name']}",
                hint="release the task first",
            )
        parent, route, wanted = self._objects(port, task)
        if service["spec"]["selector"] != wanted["spec"]["selector"]:  # its release was begun
            raise UsageError(f"the release of task {task.id} has begun", hint="release the task, then expose it again")
        if not self._open(parent):  # another took the port before this task had its listener
            self._undo(port, service["metadata"]["name"])
            return self.expose(task)
        self._kube.apply(route)
        return Address(self._gateway.gateway_ip, port)

    def _undo(self, port: int, name: str) -> None:
        """Remove what is half made; the error that ended it matters more than one met here."""
        with suppress(TaskGatewayError):
            self._kube.delete(self._route_kind(), name, self._namespace)
            self._close(port, name)
            self._kube.delete(SERVICE, name, self._namespace)

    def _objects(self, port: int, task: Task) -> tuple[Manifest, Manifest, Manifest]:
        if self._loaded is None:
            self._loaded = templates.load(self._kube, self._gateway)
        values: dict[str, int | str] = {
            "PORT": port,
            "TARGET_PORT": task.port,
            "TASK": task.id,
            "OWNER": task.owner,
            "NAMESPACE": self._namespace,
        }
        parent, route, service = self._loaded.objects(self.name, values)
        route["apiVersion"] = self._route_kind().rpartition("/")[0]
        return parent, route, service

    def _route_kind(self) -> str:
        """Return the newest served version of TCPRoute."""
        for version in ROUTES:
            if self._kube.served(f"{version}/TCPRoute"):
                return f"{version}/TCPRoute"
        raise NotFound("the cluster serves no version of TCPRoute", hint="install the CRDs of Gateway API")

    def _services(self, task_id: str = "") -> Sequence[Manifest]:
        task = f"{TASK_LABEL}={task_id}" if task_id else TASK_LABEL
        gateway = self._gateway
        selector = names.gateway_selector(gateway.gateway_name, gateway.gateway_namespace)
        return self._kube.list(SERVICE, self._namespace, f"{selector},{task}")

    def _range(self) -> range:
        return range(self._gateway.gateway_port_range_start, self._gateway.gateway_port_range_end + 1)

    def _sets(self) -> Sequence[Manifest]:
        """Return the ListenerSets of the Gateway in its namespace; none where the kind is not served."""
        try:
            found = self._kube.list(LISTENER_SET, self._gateway.gateway_namespace)
        except NotFound:
            return []
        return [each for each in found if each["spec"]["parentRef"]["name"] == self._gateway.gateway_name]

    def _is_mine(self, listener: Manifest) -> bool:
        """Tell whether a listener was made for a task of this namespace, whose routes alone it lets in."""
        namespaces = (listener.get("allowedRoutes") or {}).get("namespaces") or {}
        selected = ((namespaces.get("selector") or {}).get("matchLabels") or {}).get("kubernetes.io/metadata.name")
        return listener["name"] == f"task-{listener['port']}" and bool(selected == self._namespace)

    def _gateway_object(self) -> Manifest:
        return self._kube.get(GATEWAY, self._gateway.gateway_name, self._gateway.gateway_namespace)


def listener_ports(parents: Iterable[Manifest]) -> set[int]:
    """Return the ports of all listeners of Gateways and ListenerSets."""
    return {listener["port"] for parent in parents for listener in parent["spec"].get("listeners") or []}


def _port(service: Manifest) -> int:
    return int(service["spec"]["ports"][0]["port"])


def _exposure(service: Manifest, ip: str) -> Exposure:
    meta = service["metadata"]
    return Exposure(
        task_id=meta["labels"][TASK_LABEL],
        owner=(meta.get("annotations") or {}).get(names.OWNER, ""),
        port=_port(service),
        address=Address(ip, _port(service)),
        claimed_at=datetime.fromisoformat(meta["creationTimestamp"]),
    )
