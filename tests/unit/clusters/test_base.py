"""Names and records of clusters."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from task_gateway.errors import ClusterExists, ClusterUnknown, CommandFailed, UsageError
from task_gateway.model import Cluster, Say
from task_gateway_lab.clusters import base
from task_gateway_lab.clusters.base import PROVIDERS, ClusterRequest


class Fake:
    """A provider that fails as told."""

    name = "fake"
    up_error: BaseException | None = None
    down_error: Exception | None = None

    def up(self, request: ClusterRequest, *, say: Say) -> Cluster:
        if self.up_error:
            raise self.up_error
        return Cluster(request.name, self.name, base.folder(request.name) / base.KUBECONFIG, "here")

    def down(self, cluster: Cluster) -> None:
        if self.down_error:
            raise self.down_error


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path / "task-gateway" / "clusters"


@pytest.fixture
def fake() -> Iterator[Fake]:
    provider = Fake()
    PROVIDERS.names()
    PROVIDERS.register("fake")(lambda: provider)
    yield provider
    del PROVIDERS._parts["fake"]


def test_providers_find_themselves() -> None:
    assert PROVIDERS.names() == ["control-plane", "existing", "kind"]


@pytest.mark.parametrize("name", ["a", "e2e", "a-b", "0", "a" * 40])
def test_names(name: str, state: Path) -> None:
    assert base.claim(name) == state / name
    assert (state / name).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("name", ["", "A", "a_b", "a.b", "-a", "a-", "a" * 41, "a\n", "../a", "ä"])
def test_bad_names_touch_nothing(name: str, state: Path) -> None:
    with pytest.raises(UsageError, match="no cluster name"):
        base.claim(name)
    with pytest.raises(ClusterUnknown):
        base.find(name)
    assert not state.exists()


def test_what_is_recorded_is_found(fake: Fake, state: Path) -> None:
    made = base.up("fake", ClusterRequest("lab"), say=print)
    assert base.find("lab") == made == Cluster("lab", "fake", state / "lab" / "kubeconfig", "here")
    (state / "Not A Cluster").mkdir()
    (state / "file").touch()
    base.claim("begun")
    assert [cluster.name for cluster in base.known()] == ["begun", "lab"]
    base.down("lab")
    with pytest.raises(ClusterUnknown):
        base.down("lab")


def test_a_name_in_use_is_refused_and_its_cluster_kept(fake: Fake) -> None:
    made = base.up("fake", ClusterRequest("lab"), say=print)
    with pytest.raises(ClusterExists) as taken:
        base.up("fake", ClusterRequest("lab"), say=print)
    assert taken.value.hint == "task-gateway cluster down lab"
    assert base.find("lab") == made


@pytest.mark.parametrize("error", [CommandFailed("no", code=1), KeyboardInterrupt()])
def test_what_is_half_made_is_removed(fake: Fake, error: BaseException) -> None:
    fake.up_error = error
    with pytest.raises(type(error)):
        base.up("fake", ClusterRequest("lab"), say=print)
    assert base.known() == []


def test_what_is_half_made_is_kept_if_asked(fake: Fake) -> None:
    fake.up_error = CommandFailed("no", code=1)
    with pytest.raises(CommandFailed):
        base.up("fake", ClusterRequest("lab", keep_on_failure=True), say=print)
    assert [(cluster.name, cluster.provider) for cluster in base.known()] == [("lab", "fake")]


def test_a_cleanup_that_fails_hides_nothing(fake: Fake) -> None:
    fake.up_error, fake.down_error = CommandFailed("the cause", code=1), CommandFailed("the engine is gone", code=1)
    said: list[str] = []
    with pytest.raises(CommandFailed, match="the cause"):
        base.up("fake", ClusterRequest("lab"), say=said.append)
    assert "`task-gateway cluster down lab`: the engine is gone" in said[-1]
    assert [cluster.name for cluster in base.known()] == ["lab"]


def test_an_unknown_provider_names_the_known_ones(state: Path) -> None:
    with pytest.raises(UsageError) as refused:
        base.up("kinder", ClusterRequest("lab"), say=print)
    assert refused.value.hint == "known: control-plane, existing, kind"
    assert not state.exists()
