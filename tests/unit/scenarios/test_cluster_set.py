"""Two clusters in parallel, from a provider that only records its calls; the names and records are real."""

from pathlib import Path

import pytest

from task_gateway.errors import ClusterExists, EngineError
from task_gateway.model import Cluster, Say
from task_gateway_lab.clusters import base
from task_gateway_lab.scenarios.cluster_set import ClusterSet

PRETEND = "pretend"


class Pretend:
    """Brings up every cluster except those called bad."""

    name = PRETEND
    asked: list[str]

    def up(self, request: base.ClusterRequest, *, say: Say) -> Cluster:
        self.asked.append(f"up {request.name}")
        if request.name.startswith("bad"):
            raise EngineError("no container engine")
        return Cluster(request.name, self.name, base.folder(request.name) / base.KUBECONFIG)

    def down(self, cluster: Cluster) -> None:
        self.asked.append(f"down {cluster.name}")


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the provider was asked, with an empty state folder."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setitem(base.PROVIDERS._parts, PRETEND, Pretend)
    asked: list[str] = []
    monkeypatch.setattr(Pretend, "asked", asked, raising=False)
    return asked


def test_all_come_up_in_the_order_of_their_names_and_go_again(asked: list[str]) -> None:
    clusters = ClusterSet(("a", "b"), PRETEND)
    assert [cluster.name for cluster in clusters.up(print)] == ["a", "b"]
    assert [cluster.name for cluster in base.known()] == clusters.made == ["a", "b"]
    clusters.down()
    assert base.known() == []
    assert sorted(asked[-2:]) == ["down a", "down b"]


def test_clusters_of_others_are_neither_used_nor_removed(asked: list[str]) -> None:
    base.claim("b")
    clusters = ClusterSet(("a", "b"), PRETEND)
    with pytest.raises(ClusterExists, match="b is already up") as taken:
        clusters.up(print)
    assert taken.value.hint == "choose another name, or: task-gateway cluster down b"
    clusters.down()
    assert asked == clusters.made == []
    assert base.folder("b").is_dir()


def test_a_name_taken_at_the_last_moment_stays_its_takers(asked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    base.claim("b")
    looked = base.folder
    monkeypatch.setattr(base, "folder", lambda name: Path("nowhere", name))  # as if nobody had it yet
    clusters = ClusterSet(("a", "b"), PRETEND)
    real_up = base.up

    def up(provider: str, request: base.ClusterRequest, *, say: Say) -> Cluster:
        monkeypatch.setattr(base, "folder", looked)
        return real_up(provider, request, say=say)

    monkeypatch.setattr(base, "up", up)
    with pytest.raises(ClusterExists):
        clusters.up(print)
    assert clusters.made == ["a"]
    clusters.down()
    assert looked("b").is_dir()
    assert not looked("a").exists()


def test_when_one_fails_the_other_is_removed(asked: list[str]) -> None:
    clusters = ClusterSet(("a", "bad"), PRETEND)
    with pytest.raises(EngineError):
        clusters.up(print)
    clusters.down()
    assert base.known() == []
    assert "down a" in asked
