"""The command `task-gateway e2e` refuses invalid arguments before it creates anything."""

import json
from pathlib import Path

import pytest

from task_gateway import images
from task_gateway.cli.main import main
from task_gateway.errors import ClusterUnreachable
from task_gateway_lab.clusters import operator_image
from task_gateway_lab.scenarios.environment import Environment
from task_gateway_lab.scenarios.steps import StepRecorder


@pytest.mark.parametrize("name", ["Lab", "a_b", "-a", "a" * 30, ""])
def test_a_name_that_no_cluster_can_have_is_a_usage_error(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["e2e", "--name", name]) == 2
    assert f"{name!r} is not a valid name of a run" in capsys.readouterr().err


def test_a_missing_chart_names_the_target_that_makes_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chart = tmp_path / "absent.tgz"
    assert main(["e2e", "--name", "a" * 29, "--chart", str(chart), "-o", "json"]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["type"] == "ToolMissing"
    assert (error["where"], error["hint"]) == (str(chart), "make charts")


def test_missing_images_name_the_target_that_makes_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("KEEP", "")
    chart = tmp_path / "chart.tgz"
    chart.touch()
    assert main(["e2e", "--chart", str(chart), "--crds", str(chart)]) == 2
    assert "try: make image" in capsys.readouterr().err
    (tmp_path / operator_image.ARCHIVE).touch()
    assert main(["e2e", "--chart", str(chart), "--crds", str(chart)]) == 2
    assert "try: make toolchain" in capsys.readouterr().err


@pytest.mark.parametrize("words", [[], ["-o", "json"]])
def test_an_error_of_the_run_ends_with_its_own_exit_code_after_the_report(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def up(_world: Environment, steps: StepRecorder) -> None:
        with steps.step("clusters are up"):
            raise ClusterUnreachable("no answer", where="https://192.0.2.1")

    monkeypatch.setenv("KEEP", "")
    monkeypatch.setattr(Environment, "up", up)
    monkeypatch.setattr("task_gateway_lab.master.browser.find", lambda: Path("chromium"))
    made = images.Images("pull", "asked for", "podman", "node", "notebook:1", "key")
    monkeypatch.setattr(images, "load", lambda: made)
    chart = tmp_path / "chart.tgz"
    for file in (chart, tmp_path / operator_image.ARCHIVE):
        file.touch()
    assert main(["e2e", "--chart", str(chart), "--crds", str(chart), "--reports", str(tmp_path), *words]) == 3
    printed = capsys.readouterr()
    found = json.loads((tmp_path / "e2e" / "result.json").read_text("utf-8"))
    assert (found["passed"], found["images"]) == (False, "pull")
    assert [(step["name"], step["passed"]) for step in found["steps"]] == [("clusters are up", False)]
    if words:
        assert json.loads(printed.out) == found
    else:
        assert "error: no answer" in printed.err
