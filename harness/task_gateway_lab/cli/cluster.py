"""Create and delete clusters."""

from pathlib import Path
from typing import Annotated

import typer

from task_gateway.cli._commands import Group
from task_gateway.cli.output import Output, OutputOption, emit, say
from task_gateway.deferred import rich
from task_gateway.errors import ClusterUnreachable, UsageError
from task_gateway.kube.client import Kube
from task_gateway.model import Cluster
from task_gateway.report import cells
from task_gateway_lab.clusters import base
from task_gateway_lab.clusters.kind_config import IpFamily

app = typer.Typer(cls=Group, no_args_is_help=True, help=__doc__)
Name = Annotated[str, typer.Argument(help="Name of the cluster: a-z, 0-9 and '-'.")]


def register(root: typer.Typer) -> None:
    """Add the group to the program."""
    root.add_typer(app, name="cluster")


@app.command(epilog="Example: task-gateway cluster up lab")
def up(
    name: Name,
    provider: Annotated[str, typer.Option(help="Provider: kind, control-plane (no nodes) or existing.")] = "kind",
    kubeconfig: Annotated[
        Path | None, typer.Option(help="Kubeconfig of an existing cluster. Default: that of kubectl.")
    ] = None,
    context: Annotated[
        str | None, typer.Option(help="Context of that kubeconfig. Default: its current context.")
    ] = None,
    ip_family: Annotated[IpFamily, typer.Option(help="IP families of a kind cluster.")] = IpFamily.ipv4,
    keep_on_failure: Annotated[
        bool, typer.Option("--keep-on-failure", help="Keep a cluster whose creation failed.")
    ] = False,
    output: OutputOption = Output.text,
) -> None:
    """Create a cluster.

    The cluster has its own kubeconfig file. Your current context is not changed.
    """
    request = base.ClusterRequest(name, kubeconfig, context, keep_on_failure, ip_family=ip_family)
    cluster = base.up(provider, request, say=say)
    emit(_entry(cluster), output, lambda _: f"export KUBECONFIG={cluster.kubeconfig}")


@app.command(epilog="Example: task-gateway cluster down lab")
def down(name: Name, output: OutputOption = Output.text) -> None:
    """Delete a cluster.

    Deletes the cluster of exactly this name and its files. A cluster of the provider `existing` is only forgotten.
    """
    base.down(name)
    emit({"name": name, "removed": True}, output, lambda _: f"cluster {name} is deleted")


@app.command(epilog="Example: task-gateway cluster load lab dist/task-gateway-operator-0.1.0.oci.tar")
def load(
    name: Name,
    archive: Annotated[Path, typer.Argument(help="Archive written by `docker save` or `podman save`.")],
    output: OutputOption = Output.text,
) -> None:
    """Load images into a cluster."""
    base.load(name, archive)
    emit({"name": name, "archive": str(archive)}, output, lambda _: f"{archive} is loaded into cluster {name}")


@app.command(epilog="Example: task-gateway cluster ls -o json")
def ls(output: OutputOption = Output.text) -> None:
    """List the clusters."""
    entries = [_entry(cluster) | {"state": _state(cluster)} for cluster in base.known()]
    emit({"clusters": entries}, output, lambda _: _table(entries) if entries else "no clusters")


@app.command(epilog="Example: export KUBECONFIG=$(task-gateway cluster kubeconfig lab)")
def kubeconfig(name: Name, output: OutputOption = Output.text) -> None:
    """Print the path of a kubeconfig file."""
    entry = _entry(base.find(name))
    emit(entry, output, lambda _: str(entry["kubeconfig"]))


def _entry(cluster: Cluster) -> dict[str, str | None]:
    return {
        "name": cluster.name,
        "provider": cluster.provider,
        "kubeconfig": str(cluster.kubeconfig),
        "context": cluster.context,
    }


def _state(cluster: Cluster) -> str:
    if not cluster.kubeconfig.exists():
        return "half-made"
    try:
        return "not ready" if Kube(cluster).ready() else "ready"
    except (ClusterUnreachable, UsageError):
        return "unreachable"


def _table(entries: list[dict[str, str | None]]) -> "rich.table.Table":
    table = rich.table.Table("NAME", "PROVIDER", "STATE", "KUBECONFIG", box=None, pad_edge=False)
    for entry in entries:
        table.add_row(*cells.cells(entry[key] or "" for key in ("name", "provider", "state", "kubeconfig")))
    return table
