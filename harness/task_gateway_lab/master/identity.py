"""What a master is in the cluster of a resource manager: a ServiceAccount that the chart's Role is bound to."""

import os
from pathlib import Path

from task_gateway.deferred import yaml
from task_gateway.kube.client import Kube
from task_gateway.kube.kubeconfig import access_of
from task_gateway.model import Cluster, Manifest

NAME = "resource-manager"
SECONDS = 24 * 3600  # how long its token is good: longer than any run


def account(namespace: str, name: str = NAME) -> Manifest:
    """Return the ServiceAccount."""
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": namespace}}


def subject(namespace: str) -> Manifest:
    """Return the ServiceAccount as the chart's `rbac.subjects` has it."""
    return {"kind": "ServiceAccount", "name": NAME, "namespace": namespace}


def act_as(kube: Kube, namespace: str, file: Path, name: str = NAME) -> Kube:
    """Return the same cluster as the ServiceAccount sees it; `file` gets the kubeconfig, for its owner alone."""
    access = access_of(kube.cluster)
    wanted = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "clusters": [{"name": access.cluster_name, "cluster": access.cluster}],
        "contexts": [{"name": name, "context": {"cluster": access.cluster_name, "user": name}}],
        "users": [{"name": name, "user": {"token": kube.token(name, namespace, SECONDS)}}],
    }
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as kubeconfig:
        yaml.safe_dump(wanted, kubeconfig)
    return Kube(Cluster(kube.cluster.name, kube.cluster.provider, file, name))
