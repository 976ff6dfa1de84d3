"""Reads the versions of a cluster, of its Gateway API, and of the parts of a gateway in running pods."""

from collections.abc import Iterable

from task_gateway.controllers.base import parts
from task_gateway.crds import schema
from task_gateway.kube.client import Kube
from task_gateway.model import Manifest
from task_gateway.version import __version__


def image_versions(pods: Iterable[Manifest]) -> dict[str, str]:
    """Return the image tag of each known component that the pods run."""
    found, known = {}, parts()
    for pod in pods:
        for container in pod["spec"]["containers"]:
            repository, _, tag = container["image"].partition("@")[0].rpartition(":")
            for ending, part in known.items():
                if repository.endswith(ending):
                    found[part] = tag
    return found


def crd_versions(kube: Kube) -> dict[str, str]:
    """Return the versions of the cluster and of its Gateway API."""
    bundle, channel = schema.bundle(kube.get(schema.KIND, schema.GATEWAYS))
    return {"task-gateway": __version__, "kubernetes": kube.version(), "gateway-api": f"{bundle} {channel}"}
