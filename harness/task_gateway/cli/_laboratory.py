"""Finds the laboratory by its name: the product never imports it, and it may not be installed."""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from task_gateway.errors import UsageError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from task_gateway.model import Cluster, Say

PACKAGE = "task_gateway_lab"
COMMANDS = f"{PACKAGE}.cli"
EXTRA = "pip install 'task-gateway[lab]'"
INSTALL = f"{EXTRA}, if this is a command of the laboratory"


def installed() -> bool:
    """Return whether the laboratory is installed, without importing it."""
    return find_spec(PACKAGE) is not None


def folders() -> list[str]:
    """Return the folders of its commands, none if it is not installed. Imports nothing."""
    found = find_spec(PACKAGE)
    return [str(Path(each) / "cli") for each in (found and found.submodule_search_locations) or ()]


def control_plane(name: str, say: "Say") -> "AbstractContextManager[Cluster]":
    """Return an API server that lasts as long as the context; UsageError without the laboratory."""
    if not installed():
        raise UsageError("starting an API server requires the laboratory, which is not installed", hint=EXTRA)
    base = import_module(f"{PACKAGE}.clusters.base")
    cluster: AbstractContextManager[Cluster] = base.temporary_cluster(
        "control-plane", base.ClusterRequest(name), say=say
    )
    return cluster
