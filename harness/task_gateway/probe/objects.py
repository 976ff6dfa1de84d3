"""The objects that the probe creates in a cluster: pods that send their names, Services, routes and listeners."""

from importlib import resources
from typing import Any

from task_gateway.model import LABEL_PREFIX, Manifest

LABEL = f"{LABEL_PREFIX}/probe"
BACKEND_LABEL = f"{LABEL_PREFIX}/probe-backend"
GROUP = "gateway.networking.k8s.io"
PORT = 7777
NOBODY = "nobody"


def meta(name: str, namespace: str, probe: str) -> Manifest:
    """Return the metadata of an object of one probe."""
    return {"name": name, "namespace": namespace, "labels": {LABEL: probe}}


def namespace(name: str, probe: str) -> Manifest:
    """Return the namespace of a probe."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {LABEL: probe}}}


def pod(metadata: Manifest, image: str) -> Manifest:
    """Return a pod that sends its name and meets the Pod Security Standard "restricted"."""
    text = resources.files("task_gateway.probe").joinpath("backend.py").read_text("utf-8")
    name = metadata["name"]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata | {"labels": {**metadata["labels"], BACKEND_LABEL: name}},
        "spec": {
            "terminationGracePeriodSeconds": 0,
            "automountServiceAccountToken": False,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 65532,
                "runAsGroup": 65532,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [
                {
                    "name": "backend",
                    "image": image,
                    "imagePullPolicy": "IfNotPresent",
                    "command": ["python3", "-c", text, name, str(PORT)],
                    "ports": [{"containerPort": PORT}],
                    "readinessProbe": {"tcpSocket": {"port": PORT}, "periodSeconds": 1},
                    "securityContext": {
                        "allowPrivilegeEscalation": False,
                        "readOnlyRootFilesystem": True,
                        "capabilities": {"drop": ["ALL"]},
                    },
                }
            ],
        },
    }


def service(metadata: Manifest, port: int, backend: str) -> Manifest:
    """Return a headless Service, like that of a slot."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata,
        "spec": {
            "clusterIP": "None",
            "selector": {BACKEND_LABEL: backend},
            "ports": [{"port": port, "protocol": "TCP", "targetPort": PORT}],
        },
    }


def route(kind: str, metadata: Manifest, parent: Manifest, listener: str, backend: str, port: int) -> Manifest:
    """Return a TCPRoute, of the version in `kind`, from one listener of a parent to a Service."""
    version, _, word = kind.rpartition("/")
    parts = {"group": GROUP, "kind": parent["kind"], "name": parent["metadata"]["name"]}
    reference = parts | {"namespace": parent["metadata"]["namespace"], "sectionName": listener}
    rules = [{"backendRefs": [{"name": backend, "port": port}]}]
    spec = {"parentRefs": [reference], "rules": rules}
    return {"apiVersion": version, "kind": word, "metadata": metadata, "spec": spec}


def listener(name: str, port: int) -> Manifest:
    """Return a listener that accepts TCPRoutes of the same namespace."""
    routes = {"kinds": [{"group": GROUP, "kind": "TCPRoute"}], "namespaces": {"from": "Same"}}
    return {"name": name, "port": port, "protocol": "TCP", "allowedRoutes": routes}


def gateway(metadata: Manifest, **spec: Any) -> Manifest:
    """Return a Gateway, or the part of one that server-side apply adds to it."""
    return {"apiVersion": f"{GROUP}/v1", "kind": "Gateway", "metadata": metadata, "spec": spec}


def listener_set(metadata: Manifest, parent: Manifest, listeners: list[Manifest]) -> Manifest:
    """Return a ListenerSet of a Gateway."""
    parts = {"group": GROUP, "kind": "Gateway", "name": parent["name"], "namespace": parent["namespace"]}
    spec = {"parentRef": parts, "listeners": listeners}
    return {"apiVersion": f"{GROUP}/v1", "kind": "ListenerSet", "metadata": metadata, "spec": spec}
