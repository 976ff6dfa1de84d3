"""The command `task-gateway config validate`."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from task_gateway.cli.main import build

RUNNER = CliRunner()
GOOD = "resource_manager: {type: kubernetes, name: home}\n"
BAD = "resource_manager:\n  type: kubernetes\n  internal_task_gateway: {}\n"


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("good.yaml").write_text(GOOD, "utf-8")
    Path("bad.yaml").write_text(BAD, "utf-8")


def test_a_valid_file() -> None:
    result = RUNNER.invoke(build(), ["config", "validate", "good.yaml"])
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == "good.yaml: valid\n  home: no gateway, the master connects to tasks directly\n"


def test_a_valid_file_as_json() -> None:
    result = RUNNER.invoke(build(), ["config", "validate", "good.yaml", "-o", "json"])
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {"valid": True, "errors": []}


def test_a_wrong_file() -> None:
    result = RUNNER.invoke(build(), ["config", "validate", "bad.yaml"])
    assert result.exit_code == 2
    lines = result.stdout.splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("bad.yaml:3: resource_manager.internal_task_gateway.gateway_name: is missing")


def test_a_wrong_file_as_json() -> None:
    result = RUNNER.invoke(build(), ["config", "validate", "bad.yaml", "--output", "json"])
    assert result.exit_code == 2
    shown = json.loads(result.stdout)
    assert shown["valid"] is False
    assert [error["line"] for error in shown["errors"]] == [3, 3, 3]
    assert shown["errors"][1] == {
        "file": "bad.yaml",
        "line": 3,
        "key": "resource_manager.internal_task_gateway.gateway_namespace",
        "message": "is missing: the namespace of the Gateway object",
    }


def test_a_file_that_is_not_there() -> None:
    result = RUNNER.invoke(build(), ["config", "validate", "none.yaml"])
    assert result.exit_code == 2
    assert result.stdout == "none.yaml: cannot be read: No such file or directory\n"


def test_the_help_has_an_example() -> None:
    result = RUNNER.invoke(build(), ["config", "validate", "--help"])
    assert result.exit_code == 0
    assert "task-gateway config validate master.yaml" in " ".join(result.stdout.split())
