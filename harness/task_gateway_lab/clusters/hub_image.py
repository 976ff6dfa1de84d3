"""The image of JupyterHub and its proxy, which the laboratory loads into a cluster. `make hub` writes its archive."""

from pathlib import Path

from task_gateway.version import __version__

NAME = f"localhost/task-gateway/hub:{__version__}"
ARCHIVE = f"task-gateway-hub-{__version__}.oci.tar"


def lacking(folder: Path) -> str:
    """Return why the image cannot be loaded from the folder of the packaged charts, empty if it can."""
    return "" if (folder / ARCHIVE).is_file() else f"{folder} has no image of JupyterHub: make hub"
