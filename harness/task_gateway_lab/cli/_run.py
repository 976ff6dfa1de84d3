"""Options of the commands that create clusters for a run: its name, its charts and its reports."""

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from task_gateway.errors import ToolMissing, UsageError
from task_gateway.version import __version__
from task_gateway_lab.clusters.base import NAME

CHART = Path("dist") / f"internal-task-gateway-{__version__}.tgz"
CRDS = Path("dist") / f"gateway-api-crds-{__version__}.tgz"
REPORTS = Path("reports")
LONGEST_SUFFIX = "-additional"
LAB = ("jinja2", "matplotlib", "paramiko", "playwright", "tornado")
"""The packages of the extra `lab`, which every run requires."""

NameOption = Annotated[str, typer.Option(help="Name of the run, its clusters and its report: a-z, 0-9 and '-'.")]
KeepOption = Annotated[bool, typer.Option("--keep", envvar="KEEP", help="Keep the clusters at the end.")]
ChartOption = Annotated[Path, typer.Option(help="Packaged chart. `make charts` creates it.")]
CrdsOption = Annotated[Path, typer.Option(help="Packaged chart of the Gateway API CRDs.")]
ReportsOption = Annotated[Path, typer.Option(help="Folder of the reports.")]


def run_name(name: str) -> str:
    """Return a name that is valid for clusters and folders; UsageError if it is not."""
    if not NAME.fullmatch(f"{name}{LONGEST_SUFFIX}"):
        raise UsageError(
            f"{name!r} is not a valid name of a run",
            hint="use up to 29 of a-z, 0-9 and '-', with a letter or digit at both ends",
        )
    return name


def chart_file(chart: Path) -> Path:
    """Return the packaged chart for a run; ToolMissing if it does not exist.

    ModuleNotFoundError if the extra `lab` is not installed.
    """
    for package in LAB:
        if find_spec(package) is None:
            raise ModuleNotFoundError(f"No module named {package!r}", name=package)
    if not chart.is_file():
        raise ToolMissing("the packaged chart does not exist", where=str(chart), hint="make charts")
    return chart
