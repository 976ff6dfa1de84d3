"""The operator's image as `make image` writes it: its name, its archive, and the chart's values that use it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from task_gateway.errors import ToolMissing
from task_gateway.version import __version__

NAME = f"localhost/task-gateway/operator:{__version__}"
ARCHIVE = f"task-gateway-operator-{__version__}.oci.tar"
VALUES: Mapping[str, Any] = {"operator": {"enabled": True, "image": NAME}}
"""No registry has the image: its archive has to be loaded into the cluster first."""


def archive(folder: Path) -> Path:
    """Return the archive in the folder of the packaged charts; ToolMissing if it is not there."""
    found = folder / ARCHIVE
    if not found.is_file():
        raise ToolMissing("the archive of the operator's image does not exist", where=str(found), hint="make image")
    return found
