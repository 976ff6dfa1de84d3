"""The output of `make package`: reproducible, with valid checksums and a usable wheel."""

import json
import os
import shutil
import sys
import tarfile
from pathlib import Path

import pytest

import charts
import package
import pins
import wheel_file
from task_gateway import __version__
from task_gateway.kube.process import run

PACKAGES = ("task_gateway", "task_gateway_lab")


@pytest.fixture(scope="module")
def dist(packages: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    package.release(folder)
    return folder


def aged(source: Path, copy: Path) -> Path:
    """Return a copy with different times and modes of files."""
    shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    for number, path in enumerate(sorted(copy.rglob("*"))):
        if path.is_file():
            path.chmod(0o600)
            os.utime(path, (1e9 + number, 1e9 + number))
    return copy


def test_all_files_are_there_with_their_checksums(dist: Path) -> None:
    listed = [line.split("  ")[1] for line in (dist / package.SUMS).read_text().splitlines()]
    assert listed == [
        f"gateway-api-crds-{__version__}.tgz",
        "gateway-api-crds-determined.yaml",
        f"internal-task-gateway-{__version__}.tgz",
        "internal-task-gateway-determined-lane.yaml",
        "internal-task-gateway-determined.yaml",
        "internal-task-gateway-production.yaml",
        f"task-gateway-{__version__}.cdx.json",
        f"task_gateway-{__version__}-py3-none-any.whl",
    ]
    run(["env", "-C", dist, "sha256sum", "--check", "--strict", package.SUMS])


def test_the_bill_of_materials_has_the_files_checksums(dist: Path) -> None:
    lines = [line.split("  ") for line in (dist / package.SUMS).read_text().splitlines()]
    sums = {name: digest for digest, name in lines}
    components = json.loads((dist / package.MATERIALS).read_text())["components"]
    released = {each["name"]: each["hashes"][0]["content"] for each in components if each["type"] == "file"}
    assert released == {name: digest for name, digest in sums.items() if name != package.MATERIALS}


@pytest.mark.parametrize("chart", charts.OURS, ids=lambda chart: chart.name)
def test_a_chart_is_the_same_from_files_of_another_time(dist: Path, chart: Path, tmp_path: Path) -> None:
    made = charts.package(aged(chart, tmp_path / chart.name), tmp_path)
    assert made.read_bytes() == (dist / made.name).read_bytes()
    values = tmp_path / chart.name / "values.yaml"
    values.write_text(values.read_text() + "# changed\n")
    assert charts.package(tmp_path / chart.name, tmp_path).read_bytes() != (dist / made.name).read_bytes()


def test_a_wheel_is_the_same_from_files_of_another_time(dist: Path, tmp_path: Path) -> None:
    sources = tmp_path / "sources"
    sources.mkdir()
    for name in ("pyproject.toml", "README.md", *charts.LEGAL):
        shutil.copyfile(pins.ROOT / name, sources / name)
    aged(pins.ROOT / "harness", sources / "harness")
    made = wheel_file.wheel(tmp_path, sources)
    assert made.read_bytes() == (dist / made.name).read_bytes()


@pytest.mark.parametrize("chart", charts.OURS, ids=lambda chart: chart.name)
def test_a_chart_contains_the_license_and_the_notice(dist: Path, chart: Path) -> None:
    (archive,) = dist.glob(f"{chart.name}-*.tgz")
    with tarfile.open(archive) as packed:
        for name in charts.LEGAL:
            file = packed.extractfile(f"{chart.name}/{name}")
            assert file is not None
            assert file.read() == (pins.ROOT / name).read_bytes()


def test_the_wheel_has_everything_that_the_harness_is(dist: Path, tmp_path: Path) -> None:
    (wheel,) = dist.glob("*.whl")
    run(["uv", "pip", "install", "--quiet", "--no-deps", "--python", sys.executable, "--target", tmp_path, wheel])

    def parts(folder: Path) -> set[Path]:
        files = (file for each in PACKAGES for file in (folder / each).rglob("*"))
        return {file.relative_to(folder) for file in files if file.is_file() and file.suffix != ".pyc"}

    assert parts(tmp_path) == parts(pins.ROOT / "harness")
    said = run([sys.executable, "-m", "task_gateway.cli.main", "--version"], env={"PYTHONPATH": str(tmp_path)})
    assert __version__ in said.stdout
