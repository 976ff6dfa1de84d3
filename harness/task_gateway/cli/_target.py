"""The options that name what a command looks at, the same in every command."""

from pathlib import Path
from typing import Annotated

import typer

from task_gateway import config
from task_gateway.model import MasterConfig

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", help="A master configuration; without it, all Gateways of the chart."),
]
KubeconfigOption = Annotated[
    Path | None, typer.Option(help="Use this kubeconfig, in place of each resource manager's kubeconfig_path.")
]
ClusterOption = Annotated[Path | None, typer.Option(help="The kubeconfig of the cluster; kubectl's if left out.")]
"""The kubeconfig of commands that work on a cluster and know no master configuration."""
ContextOption = Annotated[str | None, typer.Option(help="The context in the kubeconfig; its current one if left out.")]


def read(file: Path | None) -> MasterConfig | None:
    """Return the master configuration that was named, if one was; ConfigError if it breaks rules."""
    return None if file is None else config.load(file)
