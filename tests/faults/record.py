"""A plugin that writes down how the faults went, for the page of the documentation: pytest -p tests.faults.record."""

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from task_gateway.clusters.versions import image_versions
from task_gateway.kube.client import Kube

OPTION = "--fault-record"
NAME = "fault-record"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(OPTION, type=Path, help="run everything at full length, and write the results to this file")


def pytest_configure(config: pytest.Config) -> None:
    if (file := config.getoption(OPTION)) is not None:
        config.pluginmanager.register(Recorder(file), NAME)


class Recorder:
    """Gathers one entry for each case of a test that has a sentence."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._versions: dict[str, str] = {}
        self._cases: list[dict[str, Any]] = []

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Function) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        sentence = " ".join((item.function.__doc__ or "").split())
        if sentence and (report.when == "call" or not report.passed):
            outcome = "known" if hasattr(report, "wasxfail") and not report.passed else report.outcome
            place = Path(item.path).relative_to(item.config.rootpath)
            entry = {"test": f"{place}::{item.originalname}", "sentence": sentence, "outcome": outcome}
            self._cases.append(entry | {"seconds": round(report.duration, 1)})
        return report

    def pytest_sessionfinish(self) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.write_text(json.dumps({"versions": self._versions, "cases": self._cases}, indent=2) + "\n")

    def versions(self, kube: Kube, namespace: str) -> None:
        """Note what the faults happen to."""
        self._versions |= {"Kubernetes": kube.version(), **image_versions(kube.list("v1/Pod", namespace))}


def of(config: pytest.Config) -> Recorder | None:
    """Return what gathers the entries, None where nobody asked for them."""
    found: Recorder | None = config.pluginmanager.get_plugin(NAME)
    return found
