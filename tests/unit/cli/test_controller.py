"""The command `controller probe`: its options, its record, and its exit codes."""

import json
from pathlib import Path
from typing import Any

import pytest

from task_gateway.cli import controller as command
from task_gateway.cli.main import main
from task_gateway.model_controllers import ControllerRecord, RequirementRecord
from task_gateway.probe import probe
from task_gateway.probe.fixture import ProbeOptions

CALL = ["controller", "probe", "--image", "python"]


def record(suitable: bool) -> ControllerRecord:
    requirement = RequirementRecord("address", "It has one.", True, "met" if suitable else "failed", "192.0.2.7")
    return ControllerRecord("klass", "example.com/c", "of its own", suitable, {}, {}, (requirement,))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[ProbeOptions]:
    found: list[ProbeOptions] = []

    def measure(_kube: object, asked: ProbeOptions, **_: Any) -> ControllerRecord:
        found.append(asked)
        return record(asked.gateway_class != "bad")

    monkeypatch.setattr(probe, "measure", measure)
    monkeypatch.setattr(command, "connect", lambda *_: None)
    return found


@pytest.mark.parametrize("words", [[], ["--gateway-class", "a", "--gateway", "b/c"]])
def test_either_a_class_or_a_gateway_is_named(
    asked: list[ProbeOptions], words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*CALL, *words]) == 2
    assert "--gateway-class NAME | --gateway NAMESPACE/NAME" in capsys.readouterr().err
    assert asked == []


def test_it_is_asked_as_it_was_told(asked: list[ProbeOptions]) -> None:
    assert main([*CALL, "--gateway-class", "envoy", "--address", "192.0.2.7", "--first-port", "30000"]) == 0
    assert main([*CALL, "--gateway", "gateways/contour"]) == 0
    assert asked == [
        ProbeOptions("python", "envoy", "", "192.0.2.7", 30000),
        ProbeOptions("python", "", "gateways/contour", "", 29000),
    ]


@pytest.mark.usefixtures("asked")
def test_what_is_not_met_ends_with_1_and_is_kept_all_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "records" / "bad.json"
    assert main([*CALL, "--gateway-class", "bad", "--record", str(file), "-o", "json"]) == 1
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads(file.read_text())
    assert printed["suitable"] is False
    assert printed["requirements"][0]["result"] == "failed"


def test_the_fields_of_the_page_are_those_that_are_printed() -> None:
    page = (Path(__file__).parents[3] / "docs" / "controllers.md").read_text("utf-8")
    for name in ControllerRecord.__dataclass_fields__:
        assert f"`{name}`" in page or f"`{name}[]`" in page, name
    for name in RequirementRecord.__dataclass_fields__:
        assert f"`{name}`" in page, name
