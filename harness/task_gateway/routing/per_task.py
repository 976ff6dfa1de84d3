"""What the strategies have in common that make a listener, a route and a Service for each task.

The Service comes first and goes last: its name has the port in it, so that of two tasks of a namespace only one gets
the port, and its label tells a repeated call what was begun. Then comes the listener, where the gateway itself lets one
port be had once, and the route at the end. What fails half-way is undone; what a crash left, the same call completes.

One task is meant to be exposed and released by one caller at a time, and released by the strategy that exposed it.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import datetime

from task_gateway.errors import AlreadyExists, ApiError, Conflict, NoFreeSlot, NotFound, TaskGatewayError, UsageError
from task_gateway.kube.client import Kube
from task_gateway.model import TASK_LABEL, Address, InternalTaskGateway, Manifest, Task
from task_gateway.routing import names, refusals, templates
from task_gateway.routing.base import Exposure, check_target_port, check_task
from task_gateway.routing.gateway_api import GATEWAY, LISTENER_SET, allowed_from, is_attached, route_kind
from task_gateway.routing.ports import RESERVED, in_range
from task_gateway.routing.templates import Templates

SERVICE = "v1/Service"
Exposures = list[Exposure]


class PerTask(ABC):
    """One gateway whose tasks run in `namespace`; `name` is the strategy's, and its template's."""

    name: str
    parent_kind: str
    """Gateway or ListenerSet: what has the listeners of this strategy."""

    def __init__(self, kube: Kube, gateway: InternalTaskGateway, namespace: str) -> None:
        self._kube = kube
        self._gateway = gateway
        self._namespace = namespace
        self._loaded: Templates | None = None
        self._where = f"Gateway {gateway.gateway_namespace}/{gateway.gateway_name}"

    def expose(self, task: Task) -> Address:
        """Make the three objects for a task and return its address; what is there of it already is kept.

        NoFreeSlot when the range is exhausted or the API server takes no further object; nothing is left behind then.
        """
        check_task(task, self._gateway, self._namespace)
        try:
            return self._expose(task)
        except ApiError as refused:
            full = refusals.full(refused)
            if full is None:
                raise
            raise full from refused

    def release(self, task_id: str) -> None:
        """Remove what was made for a task; its Service reaches nothing from the first write on."""
        names.check_task_id(task_id)
        for service in self._services(task_id):
            port, name = _port(service), service["metadata"]["name"]
            if self._cut_off(service, task_id):
                self._kube.delete(self._route_kind(), name, self._namespace)
                self._close(port, name)
                self._kube.delete(SERVICE, name, self._namespace)

    def list(self) -> Exposures:
        """Return the exposed tasks by port."""
        return [_exposure(each, self._gateway.gateway_ip) for each in sorted(self._services(), key=_port)]

    def _check(self, gateway: Manifest) -> None:  # noqa: B027
        """Refuse a Gateway that this strategy can make no task reachable through."""

    @abstractmethod
    def _open(self, parent: Manifest) -> bool:
        """Add the listener that `parent`, of the template, has, or keep it; False if another has its port."""

    @abstractmethod
    def _close(self, port: int, name: str) -> None:
        """Remove this namespace's listener of a port; fine if there is none."""

    def _expose(self, task: Task) -> Address:
        services = self._services()
        gateway = self._gateway_object()
        self._check(gateway)
        mine = next((each for each in services if each["metadata"]["labels"][TASK_LABEL] == task.id), None)
        if mine is not None:
            return self._complete(mine, task)
        tasks = {_port(each) for each in services}
        others = self._held_by_others(gateway)
        held = tasks | others | RESERVED
        for port in in_range(self._gateway):
            if port not in held and self._take(port, task):
                return Address(self._gateway.gateway_ip, port)
        raise self._exhausted(tasks, others)

    def _take(self, port: int, task: Task) -> bool:
        """Make the objects of a task at a port; False, with nothing left behind, if another has the port."""
        parent, route, service = self._objects(port, task)
        try:
            try:
                self._kube.create(service)
            except AlreadyExists:
                return False
            opened = self._open(parent)
            if opened:
                self._kube.apply(route)
        except BaseException:
            self._undo(task)
            raise
        if not opened:
            self._undo(task)
        return opened

    def _complete(self, service: Manifest, task: Task) -> Address:
        """Make what is missing of a task that was begun."""
        port, name = _port(service), service["metadata"]["name"]
        check_target_port(task, service["spec"]["ports"][0].get("targetPort"), name)
        parent, route, wanted = self._objects(port, task)
        if service["spec"]["selector"] != wanted["spec"]["selector"]:  # its release was begun
            raise UsageError(f"the release of task {task.id} has begun", hint="release the task, then expose it again")
        if not self._open(parent):  # another took the port before this task had its listener
            self.release(task.id)
            return self._expose(task)
        self._kube.apply(route)
        return Address(self._gateway.gateway_ip, port)

    def _undo(self, task: Task) -> None:
        """Remove what is half made; the error that ended it matters more than one met here."""
        with suppress(TaskGatewayError):
            self.release(task.id)

    def _cut_off(self, service: Manifest, task_id: str) -> bool:
        """Let a task's Service reach nothing; False if it is gone, or another task's by now.

        It stays until the rest is gone, so that a repeat finds it.
        """
        name, selector = service["metadata"]["name"], {TASK_LABEL: names.released(_port(service))}
        while service["metadata"]["labels"].get(TASK_LABEL) == task_id:
            version = {"resourceVersion": service["metadata"]["resourceVersion"]}
            try:
                self._kube.patch(SERVICE, name, self._namespace, {"metadata": version, "spec": {"selector": selector}})
                return True
            except NotFound:
                return False
            except Conflict:
                with suppress(NotFound):
                    service = self._kube.get(SERVICE, name, self._namespace)
        return False

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
        kind = route_kind(self._kube)
        if kind is None:
            raise NotFound("the cluster serves no version of TCPRoute", hint="install the CRDs of Gateway API")
        return kind

    def _services(self, task_id: str = "") -> Sequence[Manifest]:
        task = f"{TASK_LABEL}={task_id}" if task_id else TASK_LABEL
        gateway = self._gateway
        selector = names.gateway_selector(gateway.gateway_name, gateway.gateway_namespace)
        return self._kube.list(SERVICE, self._namespace, f"{selector},{task}")

    def _held_by_others(self, gateway: Manifest) -> set[int]:
        """Return the ports of listeners that no task of this namespace can have.

        A listener that this strategy made for a task whose Service is gone is not among them: the next task takes it.
        """
        return {
            listener.get("port", 0)
            for parent in (gateway, *self._sets(gateway))
            for listener in parent["spec"].get("listeners") or []
            if parent["kind"] != self.parent_kind or not self._is_mine(listener)
        }

    def _sets(self, gateway: Manifest) -> Sequence[Manifest]:
        """Return the ListenerSets of the Gateway, wherever it lets them be; none where the kind is not served."""
        namespace = self._gateway.gateway_namespace if allowed_from(gateway["spec"]) in ("None", "Same") else None
        try:
            found = self._kube.list(LISTENER_SET, namespace)
        except NotFound:
            return []
        return [each for each in found if is_attached(each, self._gateway)]

    def _is_mine(self, listener: Manifest) -> bool:
        """Tell whether a listener was made for a task of this namespace, whose routes alone it lets in."""
        namespaces = (listener.get("allowedRoutes") or {}).get("namespaces") or {}
        selected = ((namespaces.get("selector") or {}).get("matchLabels") or {}).get("kubernetes.io/metadata.name")
        return listener["name"] == f"task-{listener.get('port')}" and bool(selected == self._namespace)

    def _gateway_object(self) -> Manifest:
        return self._kube.get(GATEWAY, self._gateway.gateway_name, self._gateway.gateway_namespace)

    def _exhausted(self, tasks: Collection[int], others: Collection[int]) -> NoFreeSlot:
        ports = in_range(self._gateway)
        count = {
            f"held by tasks of namespace {self._namespace}": {port for port in ports if port in tasks},
            "held by other listeners": {port for port in ports if port in others and port not in tasks},
            "kept by the controller": {port for port in ports if port in RESERVED},
        }
        lost = set(ports).difference(*count.values())
        parts = [f"{len(found)} {words}" for words, found in {**count, "taken meanwhile": lost}.items() if found]
        return NoFreeSlot(
            f"no free port: {len(ports)} in the range {ports[0]}-{ports[-1]}, {', '.join(parts)}",
            where=self._where,
            hint="release a task, or raise gateway_port_range_end of the master configuration; "
            "task-gateway limits shows what binds",
        )


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
