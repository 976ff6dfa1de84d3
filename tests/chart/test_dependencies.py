"""Dependencies name their source for Helm: a public repository with the pinned version, or another folder."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.chart.conftest import ROOT

import charts
import pins
from task_gateway.kube.process import run, tool

PUBLIC = {"gateway-helm": ("oci://docker.io/envoyproxy", "ENVOY_GATEWAY_VERSION")}
NOT_PUBLISHED = {"contour-crds", "standard", "experimental"}
"""Only built from Go modules, because their projects publish no chart."""
FOLDERS = sorted(file.parent for file in (ROOT / "charts").glob("*/Chart.yaml"))


def about(chart: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((chart / "Chart.yaml").read_text())
    return found


@pytest.mark.parametrize("chart", FOLDERS, ids=lambda chart: chart.name)
def test_each_dependency_is_found_in_its_repository(chart: Path) -> None:
    for each in about(chart)["dependencies"]:
        repository = each.get("repository", "")
        if repository.startswith("file://"):
            beside = about(chart / repository.removeprefix("file://"))
            assert (each["name"], each["version"]) == (beside["name"], beside["version"])
        elif each["name"] in PUBLIC:
            found, pin = PUBLIC[each["name"]]
            assert (repository, each["version"]) == (found, f"v{pins.read()[pin]}")
        else:
            assert (each["name"] in NOT_PUBLISHED, repository) == (True, "")


@pytest.mark.usefixtures("packages")
@pytest.mark.parametrize("chart", FOLDERS, ids=lambda chart: chart.name)
def test_helm_takes_the_copies_from_modules_for_the_dependencies(chart: Path) -> None:
    listed = run([tool("helm"), "dependency", "list", chart]).stdout.splitlines()
    statuses = {line.split()[0]: line.split()[-1] for line in listed[1:] if line.strip()}
    assert set(statuses.items()) == {(each["name"], "unpacked") for each in about(chart)["dependencies"]}


def test_helm_builds_a_dependency_from_the_folder_beside(tmp_path: Path) -> None:
    """Without a registry: only the dependency in a folder is left in the chart."""
    for source in (charts.GATEWAY_CHART, charts.CONTOUR_CHART):
        shutil.copytree(source, tmp_path / source.name, ignore=shutil.ignore_patterns("charts"))
    chart = tmp_path / charts.GATEWAY_CHART.name
    described = about(chart)
    described["dependencies"] = [each for each in described["dependencies"] if "file://" in each["repository"]]
    (chart / "Chart.yaml").write_text(yaml.safe_dump(described))
    run([tool("helm"), "dependency", "build", chart])
    rendered = run([tool("helm"), "template", "tg", chart, "--set", "controller=contour"]).stdout
    assert re.search(r"^kind: Deployment\nmetadata:\n  name: tg-contour$", rendered, re.MULTILINE)
