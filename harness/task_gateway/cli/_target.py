"""The options that select the clusters and Gateways of a command, the same in every command."""

from pathlib import Path
from typing import Annotated

import typer

from task_gateway import config
from task_gateway.model import MasterConfig

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", help="Master configuration to use. Default: all Gateways that the chart installed."),
]
KubeconfigOption = Annotated[
    Path | None, typer.Option(help="Kubeconfig to use. Default: the kubeconfig_path of each resource manager.")
]
ClusterOption = Annotated[Path | None, typer.Option(help="Kubeconfig of the cluster. Default: that of kubectl.")]
"""The kubeconfig of commands that work on a cluster without a master configuration."""
ContextOption = Annotated[str | None, typer.Option(help="Context of the kubeconfig. Default: its current context.")]


def read(file: Path | None) -> MasterConfig | None:
    """Return the master configuration, None if no file is given; ConfigError if it is not valid."""
    return None if file is None else config.load(file)
