"""A new scenario is one declaration: it is listed, selected, run and reported without other changes."""

import json
from pathlib import Path

import pytest

from task_gateway.cli.main import main
from task_gateway_lab.scenarios.base import SCENARIOS, Scenario, Step, declare
from task_gateway_lab.scenarios.environment import Environment

FAKE = Scenario(
    name="lamp_is_lit",
    group="Operations",
    sentence="The lamp of the gateway is lit.",
    steps=(
        Step("the lamp is lit", lambda case: f"it is yellow in {case.environment.spec.name}", "lamp show $release"),
    ),
    tags=("lamp",),
)


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    SCENARIOS.names()  # those of the house are loaded first
    monkeypatch.setattr(SCENARIOS, "_parts", {**SCENARIOS._parts})
    declare(FAKE)


def test_it_is_listed_with_its_tag(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scenario", "list", "--tag", "lamp", "-o", "json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["name"], found["group"], found["person"]) == (FAKE.name, FAKE.group, False)
    assert (found["sentence"], found["steps"]) == (FAKE.sentence, ["the lamp is lit"])


@pytest.mark.parametrize("words", [["scenario", "run", FAKE.name], ["scenario", "run", "--tag", "lamp"], ["bugbash"]])
def test_it_is_run_and_every_report_has_its_row(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(SCENARIOS, "_parts", {FAKE.name: FAKE})
    monkeypatch.setattr(Environment, "up", lambda _world, _steps: None)
    monkeypatch.setenv("KEEP", "")
    for name in ("chart.tgz", "crds.tgz"):
        (tmp_path / name).touch()
    files = ["--chart", str(tmp_path / "chart.tgz"), "--crds", str(tmp_path / "crds.tgz"), "--image", "task:1"]
    assert main([*words, *files, "--name", "run", "--reports", str(tmp_path), "-o", "json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["rows"]
    assert (row["name"], row["status"], row["steps"][0]["detail"]) == (FAKE.name, "passed", "it is yellow in run")
    assert row["repeat"] == ["# the lamp is lit", "lamp show task-gateway"]
    for file in ("report.html", "report.md", "junit.xml", "result.json"):
        assert FAKE.steps[0].name in (tmp_path / "run" / file).read_text("utf-8")
    assert FAKE.sentence in (tmp_path / "run" / "report.html").read_text("utf-8")
