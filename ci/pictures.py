"""Records the output of commands as pictures of a terminal in docs/pictures: `python ci/pictures.py`.

A kind cluster with the chart and two notebooks is created, each command runs in its own terminal, and the cluster is
removed; KEEP=1 keeps it. `make pages` adds the pictures to the pages.
"""

import io
import os
import re
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

import charts
import pins
from task_gateway import __version__, images
from task_gateway.controllers.base import default
from task_gateway.kube import helm
from task_gateway.kube.client import Kube
from task_gateway.kube.kinds import POD
from task_gateway.kube.process import run
from task_gateway.kube.wait import condition, wait_for, wait_until_usable
from task_gateway.model import Cluster, Manifest
from task_gateway.routing.gateway_api import GATEWAY
from task_gateway.routing.names import CRDS_CHART, CRDS_NAMESPACE
from task_gateway.settings import GATEWAY_PROGRAMMED, POD_READY
from task_gateway_lab.clusters import base
from task_gateway_lab.clusters.kind import node_address

PICTURES = pins.ROOT / "docs" / "pictures"
NAME, RELEASE, NAMESPACE, TASKS = "pictures", "task-gateway", "task-gateway", "tasks"
START, COUNT, PORT = 20000, 16, 8888
COLUMNS, ROWS = 110, 60
NOTEBOOKS = ("notebook-ada", "notebook-lin")
FONTS = re.compile(r"\s*@font-face \{\{.*?\}\}", re.DOTALL)
FORMAT = FONTS.sub("", CONSOLE_SVG_FORMAT)
"""Rich's form of a picture, without the fonts, which a browser would fetch from another site."""


@dataclass(frozen=True)
class Picture:
    """The picture of some commands, run one after the other; `title` describes it to people who cannot see it."""

    name: str
    title: str
    commands: tuple[str, ...]


RECORDED = (
    Picture(
        "expose",
        "Two notebooks are exposed, each command prints an address",
        tuple(
            f"task-gateway expose pod/{each} --port {PORT} --owner {each.partition('-')[2]} --wait"
            for each in NOTEBOOKS
        ),
    ),
    Picture("ls", "The list of the exposed tasks", ("task-gateway ls",)),
    Picture("limits", "The limits of the gateway, the lowest first", ("task-gateway limits",)),
    Picture("check", "The checks of the gateway", ("task-gateway check",)),
)


def main() -> int:
    """Record all pictures."""
    PICTURES.mkdir(exist_ok=True)
    with lent() as cluster:
        for each in RECORDED:
            file = PICTURES / f"{each.name}.svg"
            file.write_text(svg(each, [(command, typed(command, cluster)) for command in each.commands]), "utf-8")
            print(f"√ {file.relative_to(pins.ROOT)}")
    print("  put them into the pages: make pages")
    return 0


@contextmanager
def lent() -> Iterator[Cluster]:
    """Lend a cluster with the chart and two notebooks, and remove it at the end unless KEEP is set."""
    cluster = base.up("kind", base.ClusterRequest(NAME), say=print)
    try:
        install(cluster)
        yield cluster
    finally:
        if not os.environ.get("KEEP"):
            base.down(NAME)


def install(cluster: Cluster) -> None:
    """Install both charts, and return when the notebooks are Ready."""
    kube = Kube(cluster)
    helm.install(cluster, CRDS_CHART, package(charts.CRDS_CHART), CRDS_NAMESPACE, default().crds)
    kube.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": TASKS}})
    slots = [{"namespace": TASKS, "start": START, "count": COUNT}]
    values = {"gateway": {"addresses": [node_address(kube)]}, "slots": slots}
    helm.install(cluster, RELEASE, package(charts.GATEWAY_CHART), NAMESPACE, values)
    wait_for(kube, GATEWAY_PROGRAMMED, GATEWAY, RELEASE, NAMESPACE, condition("Programmed"))
    wait_until_usable(kube, TASKS)
    for name in NOTEBOOKS:
        kube.create(notebook(name))
    for name in NOTEBOOKS:
        wait_for(kube, POD_READY, POD, name, TASKS, condition("Ready"))


def package(chart: Path) -> Path:
    """Return the package of a chart."""
    return charts.DIST / f"{chart.name}-{__version__}.tgz"


def notebook(name: str) -> Manifest:
    """Return the pod of a notebook."""
    container = {
        "name": "notebook",
        "image": images.load().notebook,
        "env": [{"name": "JUPYTER_TOKEN", "value": NAME}],
        "readinessProbe": {"tcpSocket": {"port": PORT}, "periodSeconds": 1},
    }
    metadata = {"name": name, "namespace": TASKS}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [container]}}


def typed(command: str, cluster: Cluster) -> str:
    """Run a command in a terminal and return what it prints, with its colors."""
    size = f"stty cols {COLUMNS} rows {ROWS}"
    environment = {"KUBECONFIG": str(cluster.kubeconfig), "TERM": "xterm-256color"}
    argv = ["script", "--quiet", "--return", "--command", f"{size}; {command}", "/dev/null"]
    return run(argv, env=environment).stdout


def svg(picture: Picture, outputs: list[tuple[str, str]]) -> str:
    """Return the picture of commands and what they printed; ValueError if it would show a path of this machine."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    for command, output in outputs:
        if local := next((path for path in (str(Path.home()), str(pins.ROOT)) if path in output), None):
            raise ValueError(f"{command} prints {local}, which only exists on this machine")
        console.print(Text.assemble(("$ ", "bold green"), (command, "bold")))
        console.print(Text.from_ansi(output.replace("\r\n", "\n").rstrip("\n")))
    name = shlex.split(outputs[0][0])[1]
    return console.export_svg(title=f"task-gateway {name}", code_format=FORMAT, unique_id=f"picture-{picture.name}")


if __name__ == "__main__":
    sys.exit(main())
