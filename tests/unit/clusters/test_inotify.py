"""The free inotify instances of the kernel, from a simulated /proc, and how limits that are too low are raised."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from task_gateway import settings
from task_gateway.errors import EngineError, HostLimit
from task_gateway.kube.process import Completed
from task_gateway_lab.clusters import inotify
from task_gateway_lab.clusters.engine import Engine
from task_gateway_lab.clusters.engine import rootless as rootless_engine
from task_gateway_lab.clusters.inotify import CLUSTER, ENOUGH, GATEWAY, Inotify, counted, enough, room

ENGINE = Engine("podman")
DEFAULT = Inotify(128, 65536)
HERE = os.uname().release
Make = Callable[..., Path]


@pytest.fixture
def proc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Make a tree like /proc with processes that have inotify instances, and limits that are this user's."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(inotify, "rootless", lambda _: True)

    def make(*instances: int, most: Inotify = DEFAULT, watches: int = 2) -> Path:
        made = tmp_path / "proc"
        (made / inotify.LIMITS).mkdir(parents=True)
        for path, value in zip(inotify._files(made), (most.instances, most.watches), strict=True):
            path.write_text(f"{value}\n")
        for pid, count in enumerate(instances, 1):
            for folder in ("fd", "fdinfo"):
                (made / str(pid) / folder).mkdir(parents=True)
            others = ["/dev/null", "socket:[12]", "anon_inode:[eventpoll]", "/tmp/inotify"]
            for descriptor, link in enumerate(["anon_inode:inotify"] * count + others):
                (made / str(pid) / "fd" / str(descriptor)).symlink_to(link)
                watched = "inotify wd:1 ino:2\n" * watches if link.endswith(":inotify") else ""
                (made / str(pid) / "fdinfo" / str(descriptor)).write_text(f"pos:\t0\nflags:\t00\n{watched}")
        return made

    return make


def test_instances_and_watches_of_all_processes_are_counted(proc: Make) -> None:
    made = proc(3, 0, 4)
    (made / "sys" / "fd").mkdir()  # no process
    (made / "4").mkdir()  # one that has ended
    assert counted(made) == Inotify(7, 14)


def test_this_machine_can_be_counted() -> None:
    found = counted(inotify.PROC)
    assert found.instances >= 0 <= found.watches


def test_nothing_is_done_where_there_is_room(proc: Make) -> None:
    made, said = proc(20), list[str]()
    with room("lab", ENGINE, 0, say=said.append, proc=made):
        assert inotify.limits(made) == Inotify(128, 65536)
    assert said == []


@pytest.mark.parametrize(
    ("most", "used", "reason"),
    [
        (Inotify(128, 65536), 100, "100 of 128 inotify instances"),
        (Inotify(1024, 300), 100, "200 of 300 inotify watches"),
    ],
)
def test_too_low_limits_are_raised_and_reported(proc: Make, most: Inotify, used: int, reason: str) -> None:
    made, said = proc(used, most=most), list[str]()
    with room("lab", ENGINE, 0, say=said.append, proc=made):
        assert inotify.limits(made) == most.highest(ENOUGH)
    (sentence,) = said
    assert sentence.startswith("cluster lab: raised fs.inotify.max_user_")
    assert reason in sentence
    assert ("max_user_instances from 128 to 512" in sentence) is (most.instances < ENOUGH.instances)
    assert f"max_user_watches from {most.watches} to 524288" in sentence


def refuse(path: Path, text: str) -> int:
    raise PermissionError(path, text)


def ignore(path: Path, text: str) -> int:
    return len(text)


@pytest.mark.parametrize("write", [refuse, ignore])
def test_limits_that_may_not_be_raised_are_an_error_with_the_command(
    proc: Make, monkeypatch: pytest.MonkeyPatch, write: Callable[[Path, str], int]
) -> None:
    made = proc(100)
    monkeypatch.setattr(Path, "write_text", write)
    with pytest.raises(HostLimit) as few, room("lab", ENGINE, 0, say=print, proc=made):
        pytest.fail("there is no room")
    assert isinstance(few.value, EngineError)
    assert few.value.hint == "sudo sysctl fs.inotify.max_user_instances=512 fs.inotify.max_user_watches=524288"
    assert "100 of 128 inotify instances" in few.value.message
    assert few.value.exit_code == 2


def test_clusters_that_come_up_at_once_do_not_take_the_same_place(proc: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    made, said = proc(10), list[str]()
    monkeypatch.setattr(inotify, "_raise", lambda *_: False)
    with room("one", ENGINE, 0, say=said.append, proc=made), room("two", ENGINE, 0, say=said.append, proc=made):
        with pytest.raises(HostLimit, match="90 of 128"), room("three", ENGINE, 0, say=said.append, proc=made):
            pytest.fail("there is room for two")
        (made / "1" / "fd" / "99").symlink_to("anon_inode:inotify")  # of the first two: it is reserved already
        with pytest.raises(HostLimit, match="90 of 128"), room("three", ENGINE, 0, say=said.append, proc=made):
            pytest.fail("there is room for two")
    with room("three", ENGINE, 0, say=said.append, proc=made):
        assert said == []


def test_a_cluster_that_failed_or_was_killed_reserves_nothing(proc: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    made = proc(80)
    monkeypatch.setattr(inotify, "_raise", lambda *_: False)
    with pytest.raises(KeyboardInterrupt), room("one", ENGINE, 0, say=print, proc=made):
        raise KeyboardInterrupt
    file = settings.cache_dir() / inotify.RESERVATIONS
    entry = {"cluster": "two", "pid": 2**22 + 1, "total": {"instances": 128, "watches": 0}}  # beyond any process id
    for text in (json.dumps([entry]), '[{"cluster":'):
        file.write_text(text)
        with room("three", ENGINE, 0, say=print, proc=made):
            (kept,) = json.loads(file.read_text())
            assert (kept["cluster"], kept["pid"]) == ("three", os.getpid())
        assert json.loads(file.read_text()) == []


def test_clusters_that_are_there_may_still_get_a_gateway(proc: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    made = proc(80)
    monkeypatch.setattr(inotify, "_raise", lambda *_: False)
    assert 80 + CLUSTER.instances <= 128 < 80 + 2 * GATEWAY.instances + CLUSTER.instances
    with pytest.raises(HostLimit, match="90 of 128"), room("lab", ENGINE, 2, say=print, proc=made):
        pytest.fail("there is no room")


def test_limits_of_another_user_are_compared_with_the_number_of_clusters(
    proc: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = proc(100)  # this user's, while the engine runs as root
    monkeypatch.setattr(inotify, "rootless", lambda _: False)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(inotify, "_raise", lambda *_: False)
    with room("lab", ENGINE, 2, say=print, proc=made):
        pass
    with pytest.raises(HostLimit, match="120 of 128"), room("lab", ENGINE, 3, say=print, proc=made):
        pytest.fail("there is no room")


@pytest.mark.parametrize("tree", [True, False])
def test_nothing_is_done_where_nodes_run_on_another_kernel(
    proc: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tree: bool
) -> None:
    made = proc(128) if tree else tmp_path / "no-proc"
    monkeypatch.setattr(inotify, "rootless", lambda _: None)
    with room("lab", ENGINE, 0, say=pytest.fail, proc=made):
        pass


def test_limits_are_raised_for_more_clusters_than_this_one() -> None:
    before, total = Inotify(600, 10**6), Inotify(610, 100)
    assert enough(before, total) == Inotify(610 + inotify.SPARE_CLUSTERS * CLUSTER.instances, 10**6)


@pytest.mark.parametrize(
    ("engine", "printed", "code", "rootless"),
    [
        ("podman", f"{HERE} true\n", 0, True),
        ("podman", f"{HERE} false\n", 0, False),
        ("docker", f"{HERE} [name=seccomp,profile=builtin name=rootless]\n", 0, True),
        ("docker", f"{HERE} [name=seccomp,profile=builtin name=cgroupns]\n", 0, False),
        ("docker", "6.10.14-linuxkit [name=seccomp,profile=unconfined]\n", 0, None),
        ("docker", "", 1, None),
    ],
)
def test_whose_limits_count(
    monkeypatch: pytest.MonkeyPatch, engine: str, printed: str, code: int, rootless: bool | None
) -> None:
    monkeypatch.setattr(Engine, "run", lambda *_, **__: Completed(code, printed, ""))
    assert rootless_engine(Engine(engine)) is rootless
