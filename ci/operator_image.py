"""Builds the operator's image and writes it to dist/ as an OCI archive: `python ci/operator_image.py`."""

import sys
import tempfile
from pathlib import Path

import pins
from progress import Progress, attended
from python_image import PythonImage
from task_gateway_lab.clusters.operator_image import ARCHIVE, NAME
from wheel_file import wheel

IMAGE = PythonImage(NAME, ARCHIVE, recipe=pins.CI / "operator" / "Containerfile", lock=pins.OPERATOR_LOCK, expected=40)


def main(progress: Progress) -> int:
    """Build the image if its sources changed, write its archive, and show how to load it into a cluster."""
    print(IMAGE.told(make(progress)))
    return 0


def make(progress: Progress, into: Path = pins.ROOT / "dist") -> Path:
    """Build the image and its archive in the folder `into` unless they are there; return the archive."""
    with tempfile.TemporaryDirectory(prefix="task-gateway-wheel-") as name:
        return IMAGE.make(progress, into, [wheel(Path(name))])


if __name__ == "__main__":
    sys.exit(attended(main))
