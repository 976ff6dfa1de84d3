"""Reads from running pods which versions of a gateway's parts they are."""

from collections.abc import Iterable

from task_gateway.controllers.base import parts
from task_gateway.model import Manifest


def image_versions(pods: Iterable[Manifest]) -> dict[str, str]:
    """Return the image tag of each known part that the pods run."""
    found, known = {}, parts()
    for pod in pods:
        for container in pod["spec"]["containers"]:
            repository, _, tag = container["image"].partition("@")[0].rpartition(":")
            for ending, part in known.items():
                if repository.endswith(ending):
                    found[part] = tag
    return found
