"""A simulated Determined master: its calls, the fields that its client of Gateway API 1.0 drops, and its retries.

Also a simulated controller that only writes the Gateway's status.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml
from tests.apiserver.broken import parent_status
from tests.guides import blocks

from task_gateway.checks.determined import ROUTE
from task_gateway.crds import bundles, schema
from task_gateway.errors import Conflict
from task_gateway.kube.client import Kube
from task_gateway.kube.kinds import CONFIG_MAP, JOB, POD, SERVICE
from task_gateway.model import InternalTaskGateway, Manifest
from task_gateway.routing.gateway_api import GATEWAY
from task_gateway.routing.gateway_listeners import DETERMINED, DETERMINED_NOTE

TRIES, PAUSE_SECONDS = 5, 0.01
CLIENT = "v1.0.0"
LABEL = "determined"
GUIDE = Path(__file__).parents[2] / "docs" / "determined.md"


def own_role() -> Manifest:
    """Return the ClusterRole of the master's own chart, from the guide."""
    (block,) = [each for each in blocks.marked(GUIDE) if each.file == "rights.yaml"]
    role: Manifest = next(each for each in yaml.safe_load_all(block.text) if each["kind"] == "ClusterRole")
    return role


def known(obj: Manifest) -> Manifest:
    """Return a Gateway as in a typed client of 1.0: spec and status without the fields that its types do not have."""
    properties = _types()
    return obj | {part: _kept(obj[part], properties[part]) for part in ("spec", "status") if part in obj}


@cache
def _types() -> Manifest:
    """Return the schema of a Gateway in 1.0; the experimental channel has all fields of the types."""
    crd = bundles.fetch(CLIENT, "experimental").crds[schema.GATEWAYS]
    (version,) = [each for each in crd["spec"]["versions"] if each["name"] == "v1"]
    properties: Manifest = version["schema"]["openAPIV3Schema"]["properties"]
    return properties


def _kept(value: object, node: Manifest) -> object:
    if isinstance(value, list):
        return [_kept(each, node.get("items") or {}) for each in value]
    if isinstance(value, dict) and "properties" in node:
        return {key: _kept(each, node["properties"][key]) for key, each in value.items() if key in node["properties"]}
    return value


@dataclass
class DeterminedMaster:
    """One master; `conflicts` counts the writes that conflicted."""

    kube: Kube
    gateway: InternalTaskGateway
    namespace: str
    conflicts: int = 0

    def start(self) -> None:
        """Read the objects of an earlier run, as at startup; a master without permission exits here."""
        self.kube.list(POD, self.namespace, "determined-system")
        self.kube.list(JOB, labels=LABEL)
        for kind in (CONFIG_MAP, SERVICE, ROUTE):
            self.kube.list(kind, self.namespace, LABEL)
        self._get()
        self.kube.list("v1/Event", self.namespace)

    def expose(self, task: str) -> int:
        """Start a task, make it reachable and return its port; a failed call does not clean up."""
        self.kube.create(job(task, self.namespace))
        return self.open_port(task)

    def open_port(self, task: str) -> int:
        """Make a task reachable and return its port."""
        ports: list[int] = []

        def add(gateway: Manifest) -> None:
            listeners = gateway["spec"]["listeners"]
            first, last = self.gateway.gateway_port_range_start, self.gateway.gateway_port_range_end
            ports[:] = [next(p for p in range(first, last + 1) if p not in {each["port"] for each in listeners})]
            gateway["metadata"].setdefault("annotations", {})[f"{DETERMINED_NOTE}{ports[0]}"] = task
            listeners.append(listener(ports[0]))

        self._update(add)
        for obj in objects(task, ports[0], self.gateway, self.namespace):
            self.kube.create(obj)
        return ports[0]

    def free(self, task: str, port: int) -> None:
        """Remove the objects of a task; there is no retry after a failure."""

        def remove(gateway: Manifest) -> None:
            kept = [each for each in gateway["spec"]["listeners"] if each["port"] != port]
            gateway["spec"]["listeners"] = kept or None
            gateway["metadata"].get("annotations", {}).pop(f"{DETERMINED_NOTE}{port}", None)

        self.kube.delete(JOB, job_name(task), self.namespace)
        for kind in (SERVICE, ROUTE):
            self.kube.delete(kind, f"{job_name(task)}-0", self.namespace)
        self._update(remove)

    def _get(self) -> Manifest:
        return self.kube.get(GATEWAY, self.gateway.gateway_name, self.gateway.gateway_namespace)

    def _update(self, change: Callable[[Manifest], None]) -> None:
        for attempt in range(1, TRIES + 1):
            gateway = known(self._get())
            change(gateway)
            try:
                self.kube.replace(gateway)
            except Conflict:
                self.conflicts += 1
                if attempt == TRIES:
                    raise
                time.sleep(PAUSE_SECONDS)
            else:
                return


def listener(port: int) -> Manifest:
    """Return a task's listener in the form of the master."""
    routes = {"namespaces": {"from": "All"}}
    return {"name": f"{DETERMINED}{port}", "port": port, "protocol": "TCP", "allowedRoutes": routes}


def job_name(task: str) -> str:
    """Return the name of a task's Job, the prefix of the names of its other objects; an allocation has a dot."""
    return task.replace(".", "-")


def job(task: str, namespace: str) -> Manifest:
    """Return the Job of a task, which the master creates before the listener."""
    meta = {"name": job_name(task), "namespace": namespace, "labels": {LABEL: task}}
    container = {"name": "determined-container", "image": "registry.example/task"}
    pod = {"metadata": {"labels": {LABEL: task}}, "spec": {"restartPolicy": "Never", "containers": [container]}}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": meta, "spec": {"backoffLimit": 0, "template": pod}}


def objects(
    task: str, port: int, gateway: InternalTaskGateway, namespace: str, number: int = 0
) -> tuple[Manifest, Manifest]:
    """Return the Service and the route of one port of a task, which serves at port 8888 and the ones behind it."""
    name, target = f"{job_name(task)}-{number}", 8888 + number
    meta = {"name": name, "namespace": namespace, "labels": {LABEL: task}}
    ports = [{"port": target, "protocol": "TCP"}]
    parent = {"name": gateway.gateway_name, "namespace": gateway.gateway_namespace, "port": port}
    rules = [{"backendRefs": [{"name": name, "kind": "Service", "port": target}]}]
    version, _, kind = ROUTE.rpartition("/")
    route_spec = {"parentRefs": [parent | {"sectionName": f"{DETERMINED}{port}"}], "rules": rules}
    return (
        {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": {"selector": {LABEL: task}, "ports": ports}},
        {"apiVersion": version, "kind": kind, "metadata": meta, "spec": route_spec},
    )


class Overtaken(Kube):
    """An API server on which a controller writes the Gateway's status after each read, `times` times."""

    def __init__(self, kube: Kube, times: int) -> None:
        super().__init__(kube.cluster)
        self.left = times

    def get(self, kind: str, name: str, namespace: str | None = None) -> Manifest:
        """Return the object; the status of a Gateway changes right after."""
        found = super().get(kind, name, namespace)
        if kind == GATEWAY and self.left:
            self.left -= 1
            write_status(self, found, f"{self.left} more writes to come")
        return found


def write_status(kube: Kube, gateway: Manifest, said: str) -> None:
    """Write a changed status, as a controller does for each task that comes or goes."""
    status = parent_status(gateway)
    status["conditions"][0]["message"] = said
    kube.replace(gateway | {"status": status}, subresource="status")


@contextmanager
def status_writer(kube: Kube, gateway: InternalTaskGateway, pause_seconds: float) -> Iterator[None]:
    """Write the Gateway's status repeatedly, as a controller does while tasks come and go."""
    over = threading.Event()

    def write() -> None:
        count = 0
        while not over.wait(pause_seconds):
            count += 1
            with suppress(Conflict):
                write_status(kube, kube.get(GATEWAY, gateway.gateway_name, gateway.gateway_namespace), f"no {count}")

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
