"""The identity of a master in the cluster of a resource manager: a ServiceAccount that the chart's Role is bound to."""

import base64
import os
from pathlib import Path

from task_gateway.deferred import yaml
from task_gateway.kube.client import Kube
from task_gateway.kube.kubeconfig import access_of
from task_gateway.model import Cluster, Manifest

NAME = "resource-manager"
SECONDS = 24 * 3600  # lifetime of its token: longer than any run


def account(namespace: str, name: str = NAME) -> Manifest:
    """Return the ServiceAccount."""
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": namespace}}


def subject(namespace: str) -> Manifest:
    """Return the ServiceAccount in the form of the chart's `rbac.subjects`."""
    return {"kind": "ServiceAccount", "name": NAME, "namespace": namespace}


def act_as(kube: Kube, namespace: str, file: Path, name: str = NAME) -> Kube:
    """Return the same cluster with the permissions of the ServiceAccount; only the owner can read `file`."""
    text = kubeconfig(kube, namespace, name)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as written:
        written.write(text)
    return Kube(Cluster(kube.cluster.name, kube.cluster.provider, file, name))


def kubeconfig(kube: Kube, namespace: str, name: str = NAME, server: str = "") -> str:
    """Return a kubeconfig with a token of the ServiceAccount; `server` is a URL of the API server for other hosts.

    With `server`, the text contains the certificate of the API server, and can be used elsewhere.
    """
    access = access_of(kube.cluster)
    cluster = dict(access.cluster)
    if server:
        authority = access.content("certificate-authority") or b""
        cluster = {"server": server, "certificate-authority-data": base64.b64encode(authority).decode()}
    wanted = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "clusters": [{"name": access.cluster_name, "cluster": cluster}],
        "contexts": [{"name": name, "context": {"cluster": access.cluster_name, "user": name}}],
        "users": [{"name": name, "user": {"token": kube.token(name, namespace, SECONDS)}}],
    }
    return yaml.safe_dump(wanted)
