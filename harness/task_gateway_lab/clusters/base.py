"""The protocol and the registry of cluster providers, and the records of the clusters that are up."""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from task_gateway import settings
from task_gateway.errors import ClusterExists, ClusterUnknown, TaskGatewayError, UsageError
from task_gateway.model import Cluster, Say
from task_gateway.registry import Registry
from task_gateway_lab.clusters.kind_config import IpFamily

NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")
RECORD = "cluster.json"
KUBECONFIG = "kubeconfig"


@dataclass(frozen=True)
class ClusterRequest:
    """A cluster to bring up: its name and, for an existing one, its kubeconfig and context.

    `node` is the image of its node, by default the toolchain's. `ip_family` is that of its nodes, pods and Services.
    """

    name: str
    kubeconfig: Path | None = None
    context: str | None = None
    keep_on_failure: bool = False
    node: str | None = None
    ip_family: IpFamily = IpFamily.ipv4


class Provider(Protocol):
    """Brings clusters up and down. Names of clusters are unique across providers."""

    name: str

    def up(self, request: ClusterRequest, *, say: Say) -> Cluster:
        """Bring up a cluster and return it when its API server and nodes are ready."""

    def down(self, cluster: Cluster) -> None:
        """Remove the cluster. It is not an error if parts of it are already gone."""


@runtime_checkable
class LoadsImages(Protocol):
    """A provider that can load images into nodes without a registry."""

    def load(self, cluster: Cluster, archive: Path) -> None:
        """Load the images of an archive, written by an engine's `save`, into the nodes of a cluster."""


PROVIDERS: Registry[Callable[[], Provider]] = Registry("cluster provider", "task_gateway_lab.clusters")


def folder(name: str) -> Path:
    """Return the folder with the files of a cluster."""
    return settings.state_dir() / "clusters" / name


def claim(name: str) -> Path:
    """Reserve the name of a new cluster and return its folder; UsageError if it is invalid, ClusterExists if taken."""
    if not NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} is no cluster name: up to 40 of a-z, 0-9 and '-', beginning and ending with a letter or digit"
        )
    taken = folder(name)
    try:
        taken.mkdir(parents=True, mode=0o700)
    except FileExistsError:
        raise ClusterExists(
            f"a cluster called {name} is already up",
            where=str(taken),
            hint=f"task-gateway cluster down {name}",
        ) from None
    return taken


def record(cluster: Cluster) -> Cluster:
    """Record that a cluster is up, and return it."""
    entry = {"provider": cluster.provider, "kubeconfig": str(cluster.kubeconfig), "context": cluster.context}
    complete = folder(cluster.name) / RECORD
    partial = complete.with_suffix(".partial")
    partial.write_text(json.dumps(entry, indent=2))
    partial.rename(complete)
    return cluster


def find(name: str) -> Cluster:
    """Return the cluster `name`, even if it is incomplete; ClusterUnknown if there is none."""
    place = folder(name)
    if not NAME.fullmatch(name) or not place.is_dir():
        raise ClusterUnknown(f"no cluster is called {name}", where=str(place), hint="task-gateway cluster ls")
    try:
        entry = json.loads((place / RECORD).read_text())
    except FileNotFoundError:  # `up` is still running or was killed: enough is known to remove it
        provider = place / "provider"
        return Cluster(name, provider.read_text() if provider.exists() else "kind", place / KUBECONFIG)
    return Cluster(name, entry["provider"], Path(entry["kubeconfig"]), entry["context"])


def known() -> list[Cluster]:
    """Return all clusters that this user brought up, sorted by name."""
    places = sorted((settings.state_dir() / "clusters").glob("*/"))
    return [find(place.name) for place in places if NAME.fullmatch(place.name)]


def forget(name: str) -> None:
    """Remove a cluster's own files."""
    shutil.rmtree(folder(name), ignore_errors=True)


def up(provider: str, request: ClusterRequest, *, say: Say) -> Cluster:
    """Bring up a cluster; if that fails or is interrupted, remove the incomplete cluster."""
    chosen = PROVIDERS.get(provider)()
    (claim(request.name) / "provider").write_text(provider)
    try:
        return record(chosen.up(request, say=say))
    except BaseException:
        if not request.keep_on_failure:
            _clean_up(request.name, say)
        raise


def down(name: str) -> None:
    """Remove a cluster by its exact name."""
    cluster = find(name)
    PROVIDERS.get(cluster.provider)().down(cluster)
    forget(name)


def load(name: str, archive: Path) -> None:
    """Load the images of an archive into the nodes of a cluster; UsageError if its provider cannot do that."""
    cluster = find(name)
    if not archive.is_file():
        raise UsageError("there is no such archive of images", where=str(archive), hint="make image")
    provider = PROVIDERS.get(cluster.provider)()
    if not isinstance(provider, LoadsImages):
        hint = "push the image to a registry that the cluster reads"
        raise UsageError(f"images cannot be loaded into a cluster of the provider {cluster.provider}", hint=hint)
    provider.load(cluster, archive)


@contextmanager
def temporary_cluster(provider: str, request: ClusterRequest, *, say: Say) -> Iterator[Cluster]:
    """Bring up a cluster for the duration of the context, and always remove it."""
    cluster = up(provider, request, say=say)
    try:
        yield cluster
    finally:
        down(cluster.name)


def _clean_up(name: str, say: Say) -> None:
    """Remove an incomplete cluster. Errors are only shown, because the first error is raised."""
    try:
        down(name)
    except TaskGatewayError as problem:
        say(f"cluster {name} is incomplete, remove it with `task-gateway cluster down {name}`: {problem.message}")
