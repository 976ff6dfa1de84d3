"""Installs the operator in the laboratory: the image that `make image` writes, the chart's values, and the wait."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from task_gateway.errors import ToolMissing
from task_gateway.kube.client import Kube
from task_gateway.kube.kinds import DEPLOYMENT
from task_gateway.kube.wait import condition, wait_for
from task_gateway.routing import names
from task_gateway.settings import Wait
from task_gateway.version import __version__

NAME = f"localhost/task-gateway/operator:{__version__}"
ARCHIVE = f"task-gateway-operator-{__version__}.oci.tar"
VALUES: Mapping[str, Any] = {"operator": {"enabled": True, "image": NAME}}
"""No registry has the image: its archive has to be loaded into the cluster first."""
READY = Wait("operator-ready", "the operator has read all objects", 180)


def archive(folder: Path) -> Path:
    """Return the archive in the folder of the packaged charts; ToolMissing if it is missing."""
    found = folder / ARCHIVE
    if not found.is_file():
        raise ToolMissing("the archive of the operator's image does not exist", where=str(found), hint="make image")
    return found


def wait_until_ready(kube: Kube, gateway: str, namespace: str) -> None:
    """Return when the operator of a Gateway, which the chart installs in the Gateway's namespace, is ready."""
    wait_for(kube, READY, DEPLOYMENT, names.operator(gateway), namespace, condition("Available"))
