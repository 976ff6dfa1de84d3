"""An API server in memory with the requests of the probe: objects by kind and name, never reconciled.

Fields that are applied to an object of another client are recorded, not merged.
"""

from typing import Any, cast

from task_gateway.errors import NotFound
from task_gateway.kube.client import Kube
from task_gateway.model import Manifest

Key = tuple[str, str | None, str]
CLASS = {"metadata": {"name": "klass"}, "spec": {"controllerName": "example.com/controller"}}
GATEWAY_CLASS = "gateway.networking.k8s.io/v1/GatewayClass"


class ProbeMemory:
    """What is there, and in `log` each call that changed something."""

    server = "https://memory"

    def __init__(self, *unserved: str) -> None:
        self.there: dict[Key, Manifest] = {(GATEWAY_CLASS, None, "klass"): CLASS}
        self.log: list[str] = []
        self.applied: list[Manifest] = []
        self._unserved = unserved

    def kube(self) -> Kube:
        return cast(Kube, self)

    def served(self, kind: str) -> bool:
        return kind not in self._unserved

    def find(self, kind: str, name: str, namespace: str | None = None) -> Manifest | None:
        return self.there.get((kind, namespace, name))

    def get(self, kind: str, name: str, namespace: str | None = None) -> Manifest:
        found = self.find(kind, name, namespace)
        if found is None:
            raise NotFound(f"there is no {kind} {namespace}/{name}", status=404)
        return found

    def list(self, kind: str, namespace: str | None = None, labels: str = "") -> list[Manifest]:
        wanted = dict(each.split("=") for each in labels.split(",") if each)
        return [
            each
            for (word, place, _), each in self.there.items()
            if word == kind
            and namespace in (None, place)
            and wanted.items() <= (each["metadata"].get("labels") or {}).items()
        ]

    def create(self, obj: Manifest) -> Manifest:
        return self._keep("create", obj)

    def apply(self, obj: Manifest, *, field_manager: str) -> Manifest:
        if "labels" in obj["metadata"]:
            return self._keep(f"apply as {field_manager}", obj)
        self.applied.append(obj)
        return obj

    def delete(self, kind: str, name: str, namespace: str | None = None) -> None:
        self.there.pop((kind, namespace, name), None)
        self.log.append(f"delete {kind.rpartition('/')[2]} {name}")

    def _keep(self, verb: str, obj: Manifest) -> Manifest:
        meta: dict[str, Any] = obj["metadata"]
        key = (f"{obj['apiVersion']}/{obj['kind']}", meta.get("namespace"), meta["name"])
        self.there[key] = obj
        self.log.append(f"{verb} {obj['kind']} {meta['name']}")
        return self.there[key]
