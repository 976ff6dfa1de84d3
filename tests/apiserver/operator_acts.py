"""Actions of users in a task namespace of the operator: each is one write to pods, workloads or Services."""

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from task_gateway.kube.client import Kube
from task_gateway.kube.kinds import JOB, POD, SERVICE
from task_gateway.kube.process import Word, run, tool
from task_gateway.model import TASK_LABEL, Manifest
from task_gateway.routing import names

GATEWAY, PORT = "gw", 20000
SLOT = f"{GATEWAY}-slot-{PORT}"
ADDRESS, ADDRESSES, EXPOSED = (f"task-gateway.dev/{each}" for each in ("address", "addresses", "Exposed"))
CONDITION = {"type": EXPOSED, "status": "True", "reason": "Exposed"}
CONTAINERS = {"containers": [{"name": "c", "image": "i"}], "restartPolicy": "Never"}
ADMIN = "root"


@dataclass(frozen=True)
class PolicyNamespace:
    """A task namespace with one slot, claimed by the task of the pod `held`, and a pod `free`; each row has its own."""

    kube: Kube
    namespace: str
    folder: Path

    def as_user(self, user: str) -> Kube:
        """Return a client that acts as a user; cluster-admin as ADMIN."""
        config = yaml.safe_load(self.kube.cluster.kubeconfig.read_text())
        (entry,) = config["users"]
        if user != ADMIN:
            entry["user"]["as"] = user.format(self.namespace)
        file = self.folder / "kubeconfig"
        file.write_text(yaml.safe_dump(config))
        return Kube(replace(self.kube.cluster, kubeconfig=file))

    def pod(self, name: str, metadata: Manifest | None = None, status: Manifest | None = None) -> Manifest:
        meta = {"name": name, "namespace": self.namespace} | (metadata or {})
        return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": CONTAINERS} | (
            {"status": status} if status else {}
        )

    def owned(self, kind: str, spec: Manifest, *path: str, **metadata: object) -> Manifest:
        """Return a workload whose template, at that path, has this metadata."""
        version, _, word = kind.rpartition("/")
        template: Manifest = {"metadata": {"labels": {"app": "a"}} | metadata, "spec": CONTAINERS}
        for key in reversed(path):
            template = {key: template}
        meta = {"name": f"made-{uuid.uuid4().hex[:6]}", "namespace": self.namespace}
        return deep({"apiVersion": version, "kind": word, "metadata": meta} | spec, template)


def deep(into: Manifest, more: Manifest) -> Manifest:
    return into | {
        key: deep(into[key], value) if isinstance(into.get(key), dict) else value for key, value in more.items()
    }


Act = Callable[[PolicyNamespace, Kube], object]


def create_pod(**metadata: object) -> Act:
    return lambda place, kube: kube.create(place.pod("made", metadata))


def change_pod(name: str, subresource: str = "", **metadata: object) -> Act:
    def act(place: PolicyNamespace, kube: Kube) -> object:
        found = place.kube.get(POD, name, place.namespace)
        return kube.replace(found | {"metadata": deep(found["metadata"], metadata)}, subresource=subresource)

    return act


def without(key: str, value: str) -> Act:
    """Remove a label or an annotation of the pod with a port, like `kubectl replace` with an old file."""

    def act(place: PolicyNamespace, kube: Kube) -> object:
        found = place.kube.get(POD, "held", place.namespace)
        del found["metadata"][key][value]
        return kube.replace(found)

    return act


def condition(name: str, **changed: str) -> Act:
    def act(place: PolicyNamespace, kube: Kube) -> object:
        found = place.kube.get(POD, name, place.namespace)
        status = found["status"] | {"conditions": [CONDITION | changed, {"type": "Ready", "status": "True"}]}
        return kube.replace(found | {"status": status}, subresource="status")

    return act


def patch_status(**metadata: dict[str, str]) -> Act:
    """Write the result like the operator: with one patch of the status."""

    def act(place: PolicyNamespace, kube: Kube) -> object:
        patch = {"metadata": metadata, "status": {"conditions": [CONDITION]}}
        return kube.patch(POD, "free", place.namespace, patch, strategic=True, subresource="status")

    return act


def post(subresource: str, kind: str, name: str, **body: Manifest) -> Act:
    """Create an object at a subresource of a pod, which is not stored."""

    def act(place: PolicyNamespace, kube: Kube) -> object:
        version, _, word = kind.rpartition("/")
        meta = {"name": name, "namespace": place.namespace} | body.get("metadata", {})
        text = json.dumps({"apiVersion": version, "kind": word} | body | {"metadata": meta})
        path = f"/api/v1/namespaces/{place.namespace}/pods/{name}/{subresource}?dryRun=All"
        where: list[Word] = ["--kubeconfig", kube.cluster.kubeconfig]
        return run([tool("kubectl"), *where, "create", "--raw", path, "--filename", "-"], input=text)

    return act


def bind(**metadata: object) -> Act:
    """Bind a pod to a node, like a scheduler; the node need not exist."""
    return post("binding", "v1/Binding", "free", metadata=metadata, target={"kind": "Node", "name": "n"})


def bind_at_the_old_path(place: PolicyNamespace, kube: Kube) -> object:
    meta = {"name": "free", "namespace": place.namespace, "labels": TASK}
    target = {"kind": "Node", "name": "n"}
    return kube.create({"apiVersion": "v1", "kind": "Binding", "metadata": meta, "target": target}, dry_run=True)


MATCH = {"matchLabels": {"app": "a"}}
REVISION = {"revision": 1, "data": {"spec": {}}}
WORKLOADS: dict[str, tuple[Manifest, tuple[str, ...]]] = {
    JOB: ({}, ("spec", "template")),
    "batch/v1/CronJob": ({"spec": {"schedule": "0 0 1 1 *"}}, ("spec", "jobTemplate", "spec", "template")),
    "apps/v1/Deployment": ({"spec": {"selector": MATCH}}, ("spec", "template")),
    "apps/v1/ReplicaSet": ({"spec": {"selector": MATCH}}, ("spec", "template")),
    "apps/v1/DaemonSet": ({"spec": {"selector": MATCH}}, ("spec", "template")),
    "apps/v1/StatefulSet": ({"spec": {"selector": MATCH, "serviceName": "s"}}, ("spec", "template")),
    "apps/v1/ControllerRevision": (REVISION, ("data", "spec", "template")),
    "v1/ReplicationController": ({"spec": {"selector": {"app": "a"}}}, ("spec", "template")),
    "v1/PodTemplate": ({}, ("template",)),
}
ALWAYS = {
    "apps/v1/Deployment",
    "apps/v1/ReplicaSet",
    "apps/v1/DaemonSet",
    "apps/v1/StatefulSet",
    "v1/ReplicationController",
}
"""Workloads whose pods always restart."""


def workload(kind: str, **metadata: dict[str, str]) -> Act:
    spec, path = WORKLOADS[kind]

    def act(place: PolicyNamespace, kube: Kube) -> object:
        labels = {"labels": {"app": "a"} | metadata.get("labels", {})}
        made = place.owned(kind, spec, *path, **{**metadata, **labels})
        if kind in ALWAYS:
            made["spec"]["template"]["spec"] = CONTAINERS | {"restartPolicy": "Always"}
        return kube.create(made, dry_run=True)

    return act


def scaled(place: PolicyNamespace, kube: Kube) -> object:
    """Change a Deployment whose template already has the label, without a change of the label."""
    spec, path = WORKLOADS["apps/v1/Deployment"]
    made = place.owned("apps/v1/Deployment", spec, *path, labels={"app": "a", TASK_LABEL: "t"})
    made["spec"]["template"]["spec"] = CONTAINERS | {"restartPolicy": "Always"}
    made = place.kube.create(made)
    return kube.replace(made | {"spec": made["spec"] | {"replicas": 3}})


def slot(place: PolicyNamespace, name: str, **labels: str) -> Manifest:
    spec = {"selector": {"app": "mine"}, "ports": [{"port": PORT}]}
    meta = {"name": name, "namespace": place.namespace, "labels": labels}
    return {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": spec}


def service(change: Manifest) -> Act:
    return lambda place, kube: kube.patch(SERVICE, SLOT, place.namespace, change)


def recreated(place: PolicyNamespace, kube: Kube) -> object:
    """Delete a slot's Service and create one with its name, which the slot's TCPRoute would use."""
    kept = {key: value for key, value in place.kube.get(SERVICE, SLOT, place.namespace).items() if key != "status"}
    kube.delete(SERVICE, SLOT, place.namespace)
    try:
        return kube.create(slot(place, SLOT))
    finally:
        meta = {key: kept["metadata"][key] for key in ("name", "namespace", "labels")}
        place.kube.apply(kept | {"metadata": meta}, field_manager="helm")


def alike(place: PolicyNamespace, kube: Kube) -> object:
    """Create a Service that looks like a slot to the operator."""
    labels = {names.GATEWAY_LABEL: GATEWAY, names.GATEWAY_NAMESPACE_LABEL: place.namespace, names.SLOT_LABEL: "20001"}
    return kube.create(slot(place, "mine", **labels))


def made_alike(place: PolicyNamespace, kube: Kube) -> object:
    """Add the labels of a slot to an existing Service of the user."""
    kube.create(slot(place, "mine"))
    labels = {names.GATEWAY_LABEL: GATEWAY, names.GATEWAY_NAMESPACE_LABEL: place.namespace, names.SLOT_LABEL: "20001"}
    return kube.patch(SERVICE, "mine", place.namespace, {"metadata": {"labels": labels}})


def owner_ref(version: str, kind: str) -> Manifest:
    """Return the reference to a controller."""
    return {"apiVersion": version, "kind": kind, "name": "job", "uid": "0-1", "controller": True}


TASK, OWN = {TASK_LABEL: "held"}, {"app": "mine"}
RESULT = {ADDRESS: "192.0.2.7:20001"}
