"""Builds the image of JupyterHub and its proxy and writes it to dist/ as an OCI archive: `python ci/hub_image.py`."""

import sys

import pins
from progress import Progress, attended
from python_image import PythonImage
from task_gateway_lab.clusters.hub_image import ARCHIVE, NAME

IMAGE = PythonImage(
    NAME,
    ARCHIVE,
    recipe=pins.HUB_PROXY.with_name("Containerfile"),
    lock=pins.HUB_LOCK,
    expected=120,
    files=(pins.HUB_PROXY, pins.HUB_PROXY.with_name("package-lock.json")),
)


def main(progress: Progress) -> int:
    """Build the image if its sources changed, write its archive, and show how to load it into a cluster."""
    print(IMAGE.told(IMAGE.make(progress, pins.ROOT / "dist")))
    return 0


if __name__ == "__main__":
    sys.exit(attended(main))
