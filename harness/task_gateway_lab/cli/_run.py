"""Options of the commands that bring up clusters for a run: its name, its charts and its reports."""

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
"""The packages of the extra `lab`, without which a run would end half way."""

NameOption = Annotated[str, typer.Option(help="Names the run, its clusters and its report: a-z, 0-9 and '-'.")]
KeepOption = Annotated[bool, typer.Option("--keep", envvar="KEEP", help="Leave the clusters up at the end.")]
ChartOption = Annotated[Path, typer.Option(help="The packaged chart; `make charts` makes it.")]
CrdsOption = Annotated[Path, typer.Option(help="The packaged chart of Gateway API's CRDs.")]
ReportsOption = Annotated[Path, typer.Option(help="The folder of reports.")]


def run_name(name: str) -> str:
    """Return a name that clusters can carry, and folders; UsageError if it is none."""
    if not NAME.fullmatch(f"{name}{LONGEST_SUFFIX}"):
        raise UsageError(
            f"{name!r} cannot name a run",
            hint="use up to 29 of a-z, 0-9 and '-', with a letter or digit at both ends",
        )
    return name


def chart_file(chart: Path) -> Path:
    """Return the packaged chart for a run; ToolMissing if it is not there.

    ModuleNotFoundError if the extra `lab` is not installed.
    """
    for package in LAB:
        if find_spec(package) is None:
            raise ModuleNotFoundError(f"No module named {package!r}", name=package)
    if not chart.is_file():
        raise ToolMissing("the packaged chart is not there", where=str(chart), hint="make charts")
    return chart
