"""Packages the charts once per session and renders them with only helm, without a cluster."""

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from task_gateway.kube.process import Completed, Word, run, tool
from task_gateway.model import Manifest

ROOT = Path(__file__).resolve().parents[2]
CHARTS = ("internal-task-gateway", "gateway-api-crds")


@pytest.fixture(scope="session")
def packages() -> dict[str, Path]:
    """The packaged charts by name."""
    run([sys.executable, ROOT / "ci" / "charts.py"])
    return {chart: next((ROOT / "dist").glob(f"{chart}-*.tgz")) for chart in CHARTS}


@pytest.fixture(scope="session")
def helm(packages: dict[str, Path]) -> Callable[..., Completed]:
    """Run a helm command on a packaged chart, with values; never raises."""

    def call(
        *words: str,
        chart: str = "internal-task-gateway",
        values: Mapping[str, Any] | None = None,
        options: tuple[str, ...] = (),
    ) -> Completed:
        argv: list[Word] = [tool("helm"), *words, packages[chart], "--values", "-", *options]
        return run(argv, input=json.dumps(values or {}), check=False)

    return call


@pytest.fixture(scope="session")
def render(helm: Callable[..., Completed]) -> Callable[..., list[Manifest]]:
    """Return the rendered objects of a chart for a release `tg` in `gateways`; only one if named as KIND/NAME."""

    def call(
        values: Mapping[str, Any] | None = None,
        *,
        chart: str = "internal-task-gateway",
        release: str = "tg",
        show: str = "",
        only: str = "",
    ) -> list[Manifest]:
        options = ("--namespace", "gateways", *(("--show-only", f"templates/{show}.yaml") if show else ()))
        done = helm("template", release, chart=chart, values=values, options=options)
        assert done.code == 0, done.stderr
        objects = [document for document in yaml.load_all(done.stdout, yaml.CSafeLoader) if document]
        return [each for each in objects if only in ("", f"{each['kind']}/{each['metadata']['name']}")]

    return call


@pytest.fixture(scope="session")
def release(helm: Callable[..., Completed]) -> Callable[..., Manifest]:
    """Return the data that Helm would store for a new release, including its notes."""

    def call(values: Mapping[str, Any] | None = None, *, chart: str = "internal-task-gateway") -> Manifest:
        options = ("--namespace", "gateways", "--dry-run=client", "--output", "json")
        done = helm("install", "tg", chart=chart, values=values, options=options)
        assert done.code == 0, done.stderr
        kept: Manifest = json.loads(done.stdout)
        return kept

    return call
