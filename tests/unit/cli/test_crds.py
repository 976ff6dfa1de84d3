"""The command `task-gateway crds`."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from task_gateway.cli import crds as command
from task_gateway.cli.main import build, main
from task_gateway.crds import limit_status, raise_limit
from task_gateway.crds import restore as restoring
from task_gateway.crds.apply import Change
from task_gateway.crds.limit_status import CrdState, State, VersionState
from task_gateway.errors import UsageError

RUNNER = CliRunner()
CRD = "gateways.gateway.networking.k8s.io"
Calls = list[tuple[Any, ...]]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """What the commands asked for, in place of a cluster."""
    made: Calls = []

    def raise_to(kube: object, number: int, *, drop: bool, dry_run: bool) -> Change:
        made.append((kube, number, drop, dry_run))
        return Change(CRD, dry_run, "-maxItems: 64\n+maxItems: 100", "added" if drop else "", ("mind this",))

    def restore(kube: object, *, dry_run: bool) -> Change:
        made.append((kube, dry_run))
        return Change(CRD, dry_run, "", "")

    state = State(
        (
            CrdState(
                CRD,
                "v1.7.0",
                "standard",
                "system/crds",
                (VersionState("v1", True, 213, 64, 2), VersionState("v1beta1", True, None, 64, 0)),
            ),
        ),
        True,
        False,
    )
    monkeypatch.setattr(command, "connect", lambda kubeconfig, context: (kubeconfig, context))
    monkeypatch.setattr(raise_limit, "raise_to", raise_to)
    monkeypatch.setattr(restoring, "restore", restore)
    monkeypatch.setattr(limit_status, "state", lambda kube: state)
    return made


def run_raise(*words: str) -> str:
    result = RUNNER.invoke(build(), ["crds", *words])
    assert (result.exit_code, result.stderr) == (0, "")
    return result.stdout


def test_raise_prints_the_diff_the_notes_and_what_became_of_it(calls: Calls) -> None:
    said = run_raise("raise", "--max-listeners", "100", "--kubeconfig", "here", "--context", "east")
    assert said == f"-maxItems: 64\n+maxItems: 100\nnote: mind this\n{CRD}: changed\n"
    assert calls == [((Path("here"), "east"), 100, False, False)]


def test_a_dry_run_says_that_nothing_was_changed(calls: Calls) -> None:
    said = run_raise("raise", "--max-listeners", "100", "--dry-run", "--drop-quadratic-rules")
    assert "policy unique-listener-ports.task-gateway.dev: would be added\n" in said
    assert said.endswith(f"{CRD}: would be changed (dry run)\n")
    assert calls == [((None, None), 100, True, True)]


def test_a_change_as_json(calls: Calls) -> None:
    assert json.loads(run_raise("raise", "--max-listeners", "100", "-o", "json")) == {
        "crd": CRD,
        "dry_run": False,
        "diff": "-maxItems: 64\n+maxItems: 100",
        "ports_policy": "",
        "notes": ["mind this"],
    }


def test_nothing_to_do_is_said(calls: Calls) -> None:
    assert run_raise("restore") == f"{CRD}: unchanged\n"
    assert run_raise("restore", "--dry-run") == f"{CRD}: unchanged\n"
    assert calls == [((None, None), False), ((None, None), True)]


def test_status_is_a_table_of_versions_and_policies(calls: Calls) -> None:
    lines = [line.split() for line in run_raise("status").splitlines()]
    assert lines[1] == [CRD, "v1.7.0", "standard", "v1", "213", "64", "2"]
    assert lines[2] == [CRD, "v1.7.0", "standard", "v1beta1", "unbounded", "64", "dropped"]
    assert ["policy", "unique-listener-ports.task-gateway.dev:", "installed"] in lines
    assert ["policy", "safe-upgrades.gateway.networking.k8s.io:", "not", "installed"] in lines


def test_status_as_json(calls: Calls) -> None:
    shown = json.loads(run_raise("status", "-o", "json"))
    assert (shown["ports_policy"], shown["safe_upgrades_policy"]) == (True, False)
    assert shown["crds"][0]["versions"][0] == {
        "version": "v1",
        "served": True,
        "spec_max_items": 213,
        "status_max_items": 64,
        "quadratic_rules": 2,
    }


@pytest.mark.parametrize("words", [[], ["--max-listeners", "0"], ["--max-listeners", "many"]])
def test_a_number_is_needed(words: list[str], calls: Calls, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["crds", "raise", *words]) == 2
    assert "--max-listeners" in capsys.readouterr().err
    assert calls == []


def test_a_refusal_ends_with_its_exit_code_and_hint(
    calls: Calls, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object, **__: object) -> Change:
        raise UsageError("at most 213", hint="task-gateway crds raise --max-listeners 213")

    monkeypatch.setattr(raise_limit, "raise_to", refuse)
    assert main(["crds", "raise", "--max-listeners", "214"]) == 2
    assert capsys.readouterr().err == "error: at most 213\n  try: task-gateway crds raise --max-listeners 213\n"


@pytest.mark.parametrize("name", ["status", "raise", "restore"])
def test_the_help_has_an_example(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["crds", name, "--help"]) == 0
    assert f"Example: task-gateway crds {name}" in capsys.readouterr().out
