"""A plugin that records the results of the faults for the documentation: pytest -p tests.faults.record."""

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from task_gateway.kube.client import Kube
from task_gateway.probe.versions import image_versions

OPTION, AGAIN = "--fault-record", "--fault-again"
NAME = "fault-record"
Record = dict[str, Any]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(OPTION, type=Path, help="run everything at full length, and write the results to this file")
    parser.addoption(AGAIN, action="store_true", help="keep what that file has of the tests that do not run now")


def pytest_configure(config: pytest.Config) -> None:
    if (file := config.getoption(OPTION)) is not None:
        config.pluginmanager.register(Recorder(file, again=config.getoption(AGAIN)), NAME)


class Recorder:
    """Collects an entry for each case of a test with a docstring."""

    def __init__(self, file: Path, *, again: bool) -> None:
        self._file = file
        self._again = again
        self._versions: dict[str, str] = {}
        self._cases: list[dict[str, Any]] = []

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Function) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        sentence = " ".join((item.function.__doc__ or "").split())
        if sentence and (report.when == "call" or not report.passed):
            outcome = "known" if hasattr(report, "wasxfail") and not report.passed else report.outcome
            place = Path(item.path).relative_to(item.config.rootpath)
            test, case = f"{place}::{item.originalname}", item.name.removeprefix(item.originalname).strip("[]")
            entry = {"test": test, "case": case, "sentence": sentence, "outcome": outcome}
            self._cases.append(entry | {"seconds": round(report.duration, 1)})
        return report

    def pytest_sessionfinish(self) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        record: Record = {"versions": self._versions, "again": [], "cases": self._cases}
        if self._again:
            record = with_what_stays(json.loads(self._file.read_text("utf-8")), record)
        self._file.write_text(json.dumps(record, indent=2) + "\n")

    def versions(self, kube: Kube, namespace: str) -> None:
        """Record the versions of the cluster and the gateway."""
        self._versions |= {"Kubernetes": kube.version(), **image_versions(kube.list("v1/Pod", namespace))}


def with_what_stays(before: Record, now: Record) -> Record:
    """Return a record in which the new cases replace the earlier ones, with the sentences of their tests."""
    ran = {(each["test"], each["case"]): each for each in now["cases"]}
    again = sorted({*before["again"], *(test for test, _ in ran)})
    cases = [ran.pop((each["test"], each["case"]), each) for each in before["cases"]]
    return {"versions": before["versions"] | now["versions"], "again": again, "cases": [*cases, *ran.values()]}


def recorder_of(config: pytest.Config) -> Recorder | None:
    """Return the recorder, None if no record is requested."""
    found: Recorder | None = config.pluginmanager.get_plugin(NAME)
    return found
