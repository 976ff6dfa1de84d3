"""Every container image of a run, read from ci/images.json: name, tag, digest and what it is used for.

A digest is null where it is not known yet; such an image is pulled by its tag. `TASK_GATEWAY_IMAGE_LIST` names another
list with the same names and tags, for a registry whose images have other digests.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import pins
from task_gateway import records, settings

OVERRIDE = "TASK_GATEWAY_IMAGE_LIST"
TASK = "localhost/task-gateway/task"
"""What tasks run in pull mode: the notebook image with TensorBoard and sshd, built by the engine under this name."""


@dataclass(frozen=True)
class Image:
    """An image by its upstream name. `pulled` images are fetched in pull mode; the others come with the node image."""

    purpose: str
    name: str
    tag: str
    digest: str | None
    kubernetes: str
    pulled: bool
    used_for: str

    @property
    def tagged(self) -> str:
        """The name that clusters and charts use."""
        return f"{self.name}:{self.tag}"

    @property
    def pinned(self) -> str:
        """The name by which it is pulled: by digest, or by tag where none is known."""
        return f"{self.name}@{self.digest}" if self.digest else self.tagged


def read() -> list[Image]:
    """Return the images of every Kubernetes release."""
    file = Path(os.environ.get(OVERRIDE) or pins.IMAGES)
    return records.load(list[Image], file)


def chosen() -> dict[str, Image]:
    """Return the images of the Kubernetes release in use, by what they are for."""
    release = settings.kubernetes_release()
    return {image.purpose: image for image in read() if image.kubernetes in ("any", release)}


def names() -> dict[str, str]:
    """Return the upstream name and tag of each image that exists in build mode, by what it is for."""
    return {purpose: image.tagged for purpose, image in chosen().items() if purpose != "python"}
