"""The command `task-gateway crds cel`: its requests, and that its control plane is always removed."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from typer.testing import CliRunner

from task_gateway.cli import _cel as command
from task_gateway.cli.main import build, main
from task_gateway.crds import bundles, cel_run, cel_sources
from task_gateway.errors import INTERRUPTED, DeniedByPolicy
from task_gateway.kube.client import Kube
from task_gateway.model import CelReport, CelVariant, Cluster
from task_gateway_lab.clusters import base

RUNNER = CliRunner()
REPORT = CelReport("v1.7.0", "standard", "gateways", "v1", "spec.listeners", 64, 213, "ports", 4, 0.2,
                   variants=(CelVariant(("ports",), 304),))  # fmt: skip
ONE = {"metadata": {"name": "one"}}


class FakeServer:
    server = "https://192.0.2.1"

    def version(self) -> str:
        return "v1.99.0"


Calls = dict[str, Any]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """No cluster and no release is touched; what would have been is written down."""
    seen: Calls = {"up": [], "down": []}

    def up(provider: str, request: base.ClusterRequest, *, say: Callable[[str], None]) -> Cluster:
        assert provider == "control-plane"
        seen["up"].append(request.name)
        return Cluster(request.name, provider, Path("kubeconfig"))

    def run(kube: Kube, crds: list[Any], path: str, **options: Any) -> list[CelReport]:
        options.pop("say")
        seen.update(crds=crds, path=path, **options)
        if "raises" in seen:
            raise seen["raises"]
        return [REPORT]

    def of_bundles(versions: list[str], channels: Any, path: str) -> list[Any]:
        seen.update(versions=versions, channels=[*channels])
        return [ONE]

    monkeypatch.setattr(base, "up", up)
    monkeypatch.setattr(base, "down", seen["down"].append)
    monkeypatch.setattr(command, "Kube", lambda _: cast(Kube, FakeServer()))
    monkeypatch.setattr(command, "connect", lambda *_: cast(Kube, FakeServer()))
    monkeypatch.setattr(cel_run, "run", run)
    monkeypatch.setattr(cel_sources, "of_bundles", of_bundles)
    monkeypatch.setattr(cel_sources, "live", lambda kube, path: ["live"])
    return seen


def test_a_control_plane_is_asked_about_every_known_release_and_removed(calls: Calls) -> None:
    result = RUNNER.invoke(build(), ["crds", "cel", "--control-plane", "-o", "json"])
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert found["server"] == "v1.99.0"
    entry = found["crds"][0]
    assert (entry["accepted_max_items"], entry["binding_rule"], entry["runtime_max_items"]) == (213, "ports", None)
    assert entry["variants"] == [{"left_out": ["ports"], "accepted_max_items": 304, "at_least": False}]
    assert calls["versions"] == [*bundles.KNOWN]
    assert calls["channels"] == [*bundles.CHANNELS]
    assert calls["own"] is True
    assert calls["up"] == calls["down"] != []


@pytest.mark.parametrize(
    ("problem", "code"), [(KeyboardInterrupt(), INTERRUPTED), (DeniedByPolicy("no"), 1), (ValueError("bug"), 1)]
)
def test_the_control_plane_is_removed_however_it_ends(calls: Calls, problem: BaseException, code: int) -> None:
    calls["raises"] = problem
    assert main(["crds", "cel", "--control-plane", "--bundle", "v1.7.0"]) == code
    assert calls["up"] == calls["down"] != []


def test_without_a_crd_the_cluster_is_asked_about_its_own(calls: Calls) -> None:
    result = RUNNER.invoke(build(), ["crds", "cel", "--path", "spec.rules"])
    assert result.exit_code == 0
    assert "213 [1]" in result.stdout
    assert (calls["crds"], calls["path"], calls["own"], calls["up"]) == (["live"], "spec.rules", False, [])


def test_a_release_is_read_in_the_channels_that_are_named(calls: Calls) -> None:
    RUNNER.invoke(
        build(), ["crds", "cel", "--bundle", "v1.7.0", "--bundle", "v1.0.0", "--channel", "standard", "--live"]
    )
    assert (calls["versions"], calls["channels"]) == (["v1.7.0", "v1.0.0"], ["standard"])
    assert calls["crds"] == [ONE, "live"]


def test_a_file_alone_is_asked_about_on_a_control_plane(calls: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cel_sources, "of_file", lambda file, path: [file])
    RUNNER.invoke(build(), ["crds", "cel", "--crd", "a.yaml", "--crd", "b.yaml", "--control-plane"])
    assert calls["crds"] == [Path("a.yaml"), Path("b.yaml")]
    assert "versions" not in calls


def test_a_plot_needs_the_curves(calls: Calls, tmp_path: Path) -> None:
    RUNNER.invoke(build(), ["crds", "cel", "--live"])
    assert calls["curves"] is False
    result = RUNNER.invoke(build(), ["crds", "cel", "--live", "--plot", str(tmp_path / "plots")])
    assert calls["curves"] is True
    assert sorted(file.name for file in (tmp_path / "plots").iterdir()) == ["cel.png", "cel.svg"]
    assert "plots/cel.svg" in result.stderr


@pytest.mark.parametrize("option", [["--live"], ["--kubeconfig", "x"], ["--context", "x"]])
def test_a_control_plane_is_no_cluster_of_the_users(
    calls: Calls, capsys: pytest.CaptureFixture[str], option: list[str]
) -> None:
    assert main(["crds", "cel", "--control-plane", *option]) == 2
    assert "its own API server" in capsys.readouterr().err
    assert calls["up"] == []


def test_a_file_that_is_not_there_is_told_before_anything_starts(
    calls: Calls, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["crds", "cel", "--control-plane", "--crd", "absent.yaml"]) == 2
    assert "absent.yaml" in capsys.readouterr().err
    assert calls["up"] == []


def test_the_old_name_does_the_same(calls: Calls) -> None:
    new, old = (RUNNER.invoke(build(), [*words, "--live", "-o", "json"]) for words in (["crds", "cel"], ["cel"]))
    assert (old.exit_code, old.stdout) == (new.exit_code, new.stdout) == (0, new.stdout)
