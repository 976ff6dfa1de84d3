"""Some values render every branch of every template, except the branches that depend on a cluster.

A `fail` that is inserted into each branch shows that the branch is rendered. Each rendering finds one: it is removed,
and the next one is found with the same values.
"""

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from task_gateway.kube.process import Completed, run, tool

CHART = Path(__file__).resolve().parents[2] / "charts" / "internal-task-gateway"
EVERYTHING = Path(__file__).parent / "everything.yaml"
TAG = re.compile(
    r"""\{\{-?\s*(?P<word>if|else|with|range|define|block|end)\b(?:"(?:[^"\\]|\\.)*"|`[^`]*`|[^}"`]|\}(?!\}))*\}\}"""
)
REFUSES = re.compile(r"\s*\{\{-?\s*fail\b")
PLANTED = "planted-"
CONTOUR = CHART.parent / "contour"
SEEN_BY_A_CLUSTER = ("lookup ", "$live", "with $tasks", "$served.Has", "if $old", ".subCharts")
"""Conditions of branches that read a cluster, the result of such a branch, or a sub-chart. tests/cluster and
tests/matrix cover them."""
NAMED = "a release whose name begins with a digit"
VALUES: dict[str, list[str]] = {
    "everything": ["--values", str(EVERYTHING)],
    "defaults": [],
    "everything with Contour": ["--values", str(EVERYTHING), "--values", str(CHART / "contour.yaml")],
    "Contour": ["--values", str(CHART / "contour.yaml")],
    "production": ["--values", str(CHART / "production.yaml")],
    "Determined": ["--values", str(CHART / "determined.yaml")],
    "only the operator": ["--set", "operator.enabled=true,operator.image=operator:1"],
    "a Determined lane that holds pods": [
        "--values", str(CHART / "determined-lane.yaml"),
        "--set", "operator.image=operator:1,operator.determined.schedulingGate=true,metrics.dashboard.enabled=true",
    ],
    "a controller and a class that are there": [
        "--set", "controller.install=false,gatewayClass.create=false,gatewayClass.name=theirs",
        "--set", "tls.secretName=own,slotListeners.kind=Gateway,envoy.service.type=ClusterIP,envoy.tcpKeepalive=null",
        "--set", "networkPolicy.enabled=true,rbac.create=false",
    ],
    "a Contour that is there": [
        "--set", "controller.name=contour,controller.install=false,gatewayClass.create=false,gatewayClass.name=theirs",
    ],
    "a controller that the chart does not know": [
        "--set", "controller.install=false,gatewayClass.controllerName=fake.example/controller",
    ],
    "Contour at the last ports": [
        "--values", str(CHART / "contour.yaml"), "--set", "slots[0].start=57500,slots[0].count=40",
    ],
    NAMED: [],
    "everything for a controller that is there": ["--values", str(EVERYTHING), "--set", "controller.install=false"],
}  # fmt: skip


@dataclass(frozen=True)
class Branch:
    """The start of a branch: its file, the offset after its tag, and its text."""

    file: Path
    offset: int
    line: int
    tag: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line} {self.tag}"


def branches(text: str, file: Path) -> Iterator[Branch]:
    """Yield the branches of a template that values can select, except those that only refuse values."""
    within: list[bool] = []
    for tag in TAG.finditer(text):
        word = tag["word"]
        if word == "end":
            within.pop()
            continue
        hidden = any(each in tag[0] for each in SEEN_BY_A_CLUSTER)
        if word == "else":
            hidden = hidden or within.pop()
        within.append(hidden)
        if word not in ("define", "block") and not any(within) and not REFUSES.match(text, tag.end()):
            yield Branch(file, tag.end(), text.count("\n", 0, tag.start()) + 1, tag[0])


def copied(folder: Path) -> Path:
    """Return a copy of the chart without the sub-charts of other projects."""
    chart = folder / CHART.name
    for source, copy in ((CHART, chart), (CONTOUR, chart / "charts" / CONTOUR.name)):
        shutil.copytree(source, copy, ignore=shutil.ignore_patterns("charts"))
        about = yaml.safe_load((copy / "Chart.yaml").read_text())
        about["dependencies"] = [each for each in about["dependencies"] if each["name"] == CONTOUR.name]
        (copy / "Chart.yaml").write_text(yaml.safe_dump(about))
    return chart


def install(chart: Path, values: str) -> Completed:
    name = "9tg" if values == NAMED else "tg"
    return run([tool("helm"), "install", name, chart, "--dry-run=client", *VALUES[values]], check=False)


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    return copied(tmp_path)


@pytest.mark.parametrize("values", VALUES)
def test_the_values_are_right(chart: Path, values: str) -> None:
    done = install(chart, values)
    assert done.code == 0, done.stderr


def test_every_branch_is_rendered_by_some_values(chart: Path) -> None:
    texts = {file: file.read_text() for file in sorted(chart.rglob("templates/**/*")) if file.is_file()}
    waiting = {
        f"{PLANTED}{number}-": branch
        for number, branch in enumerate(
            branch for file, text in texts.items() for branch in branches(text, file.relative_to(chart))
        )
    }
    assert len(waiting) > 100

    def plant(file: Path) -> None:
        text = texts[file]
        for name, each in sorted(waiting.items(), key=lambda item: -item[1].offset):
            if chart / each.file == file:
                text = f'{text[: each.offset]}{{{{ fail "{name}" }}}}{text[each.offset :]}'
        file.write_text(text)

    for file in texts:
        plant(file)
    for values in VALUES:
        while (met := re.search(rf"{PLANTED}\d+-", install(chart, values).stderr)) is not None:
            plant(chart / waiting.pop(met[0]).file)
    left = "\n".join(map(str, waiting.values()))
    assert not left, left
