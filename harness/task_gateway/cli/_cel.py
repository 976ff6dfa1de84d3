"""Measures how long a list in a CRD may be: the command `crds cel`, and `cel`, its old name."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from task_gateway.cli import _laboratory
from task_gateway.cli._target import ClusterOption, ContextOption
from task_gateway.cli.output import Output, OutputOption, emit, say
from task_gateway.crds import bundles, cel_run, cel_sources, schema
from task_gateway.errors import UsageError
from task_gateway.inventory.target import connect
from task_gateway.kube.client import Kube
from task_gateway.model import Manifest
from task_gateway.report import cel_text, plot

EPILOG = "Example: task-gateway crds cel --control-plane --bundle v1.7.0 --channel standard"


class Channel(StrEnum):
    """Release channels of Gateway API."""

    standard = "standard"
    experimental = "experimental"


def cel(
    crd: Annotated[list[Path] | None, typer.Option(help="File with CRDs to measure. Repeatable.")] = None,
    bundle: Annotated[list[str] | None, typer.Option(help="Gateway API release to measure. Repeatable.")] = None,
    channel: Annotated[
        list[Channel] | None, typer.Option(help="Channel of those releases. Repeatable. Default: both.")
    ] = None,
    live: Annotated[
        bool,
        typer.Option("--live", help="Measure the CRDs of the cluster. Default without --crd and --bundle."),
    ] = False,
    control_plane: Annotated[
        bool,
        typer.Option(
            "--control-plane",
            help="Start a temporary API server and measure on it. Default of --bundle then: all known releases.",
        ),
    ] = False,
    kubeconfig: ClusterOption = None,
    context: ContextOption = None,
    path: Annotated[str, typer.Option(help="Path of the list, from the root of the object.")] = schema.SPEC_LISTENERS,
    curves: Annotated[
        bool, typer.Option("--curves", help="Measure the cost at more points, and with --control-plane time writes.")
    ] = False,
    plot_folder: Annotated[
        Path | None, typer.Option("--plot", help="Write cel.svg and cel.png to this folder. Implies --curves.")
    ] = None,
    output: OutputOption = Output.text,
) -> None:
    """Find the largest maxItems that CEL allows.

    Shows the largest maxItems that the API server accepts, the rule that rejects one more, and the cost of each rule.
    Only sends dry runs to a cluster, and never changes it. With --control-plane it also finds the largest object that
    the API server accepts at run time.
    """
    if control_plane and (live or kubeconfig or context):
        raise UsageError(
            "--control-plane starts its own API server",
            where="--live, --kubeconfig, --context",
            hint="omit these options, or omit --control-plane",
        )
    crds = _named(crd or [], bundle or ([*bundles.KNOWN] if control_plane and not crd else []), channel, path)
    curves = curves or plot_folder is not None
    with _server(control_plane, kubeconfig, context) as kube:
        if live or not crds:
            crds = crds + cel_sources.live(kube, path)
        reports = cel_run.run(kube, crds, path, own=control_plane, curves=curves, say=say)
        found = {"server": kube.version(), "crds": reports}
    for file in plot.draw(reports, plot_folder) if plot_folder else ():
        say(f"plot: {file}")
    emit(found, output, lambda _: cel_text.terminal(reports))


def _named(files: list[Path], releases: list[str], channels: list[Channel] | None, path: str) -> list[Manifest]:
    crds = [crd for file in files for crd in cel_sources.of_file(file, path)]
    if releases:
        say(f"reading {len(releases)} releases of Gateway API")
        crds += cel_sources.of_bundles(releases, channels or bundles.CHANNELS, path)
    return crds


@contextmanager
def _server(control_plane: bool, kubeconfig: Path | None, context: str | None) -> Iterator[Kube]:
    """Connect to the cluster, or to a temporary control plane, which is always removed at the end."""
    if not control_plane:
        yield connect(kubeconfig, context)
        return
    with _laboratory.control_plane(f"cel-{os.getpid()}", say) as cluster:
        yield Kube(cluster)
