"""Providers that require no nodes, through the command line, as users run them."""

import json
from pathlib import Path
from typing import Any

import pytest

from task_gateway.cli.main import main
from task_gateway.kube.client import Kube
from task_gateway.model import Cluster
from task_gateway_lab.clusters import base


@pytest.fixture
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path


def call(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    code = main([*arguments[:2], "-o", "json", *arguments[2:]])
    return code, json.loads(capsys.readouterr().out)


def runs(pid: int) -> bool:
    """Return whether a process exists and is not a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_control_plane_comes_up_is_listed_and_goes(own_state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, made = call(capsys, "cluster", "up", "lab", "--provider", "control-plane")
    try:
        assert code == 0
        kubeconfig = Path(str(made["kubeconfig"]))
        assert kubeconfig.stat().st_mode & 0o077 == 0
        pids = [int((kubeconfig.parent / f"{each}.pid").read_text()) for each in ("etcd", "kube-apiserver")]
        code, again = call(capsys, "cluster", "up", "lab", "--provider", "control-plane")
        assert code == 2
        assert again["error"]["type"] == "ClusterExists"
        assert Kube(base.find("lab")).ready() is None
        assert call(capsys, "cluster", "ls")[1]["clusters"] == [made | {"state": "ready"}]
        assert call(capsys, "cluster", "kubeconfig", "lab")[1] == made
    finally:
        assert call(capsys, "cluster", "down", "lab") == (0, {"name": "lab", "removed": True})
    assert not kubeconfig.parent.exists()
    assert not any(runs(pid) for pid in pids)
    assert call(capsys, "cluster", "ls") == (0, {"clusters": []})
    code, unknown = call(capsys, "cluster", "down", "lab")
    assert (code, unknown["error"]["type"]) == (2, "ClusterUnknown")


def test_an_existing_cluster_is_remembered_and_only_forgotten(
    cluster: Cluster, own_state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, made = call(
        capsys, "cluster", "up", "mine", "--provider", "existing", "--kubeconfig", str(cluster.kubeconfig)
    )
    assert (code, made["kubeconfig"]) == (0, str(cluster.kubeconfig))
    assert call(capsys, "cluster", "down", "mine")[0] == 0
    assert Kube(cluster).ready() is None


def test_an_existing_cluster_that_does_not_answer_leaves_nothing(
    own_state: Path, tmp_path: Path, cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    dead = tmp_path / "kubeconfig"
    dead.write_text(
        cluster.kubeconfig.read_text().replace("server: https://127.0.0.1:", "server: https://127.0.0.1:1#")
    )
    code, answer = call(capsys, "cluster", "up", "dead", "--provider", "existing", "--kubeconfig", str(dead))
    assert (code, answer["error"]["type"]) == (3, "ClusterUnreachable")
    assert call(capsys, "cluster", "ls") == (0, {"clusters": []})


def test_a_control_plane_that_cannot_start_says_why_and_leaves_nothing(
    own_state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name, text in {"etcd": "sleep 600", "kube-apiserver": "echo no such flag; exit 1"}.items():
        (tools / name).write_text(f"#!/bin/sh\n{text}\n")
        (tools / name).chmod(0o755)
    monkeypatch.setenv("TASK_GATEWAY_TOOLS", str(tools))
    code, answer = call(capsys, "cluster", "up", "broken", "--provider", "control-plane")
    assert code == 3
    assert "exit code 1: no such flag" in str(answer["error"]["message"])
    assert call(capsys, "cluster", "ls") == (0, {"clusters": []})


@pytest.mark.parametrize("name", ["", "UPPER", "a_b", "-a", "a" * 41, "../up"])
def test_a_bad_name_is_refused_before_anything_is_made(
    own_state: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, answer = call(capsys, "cluster", "up", "--provider", "control-plane", "--", name)
    assert code == 2
    assert "no cluster name" in str(answer["error"]["message"])
    assert not (own_state / "task-gateway").exists()
