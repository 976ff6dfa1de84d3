"""The selection of a container engine, from the output of the programs `docker` and `podman`."""

from collections.abc import Callable
from pathlib import Path

import pytest

from task_gateway.errors import EngineError
from task_gateway_lab.clusters import engine as engines
from task_gateway_lab.clusters.engine import INSTALL_HINT, choose_engine, containers_conf, engine, no_engine

WORKS = "exit 0"
SILENT = '[ "$1" != info ] || { echo "cannot connect to the daemon" >&2; exit 1; }'
HANGS = '[ "$1" != info ] || exec sleep 30'
NO_IMPORT = '[ "$1" != import ] || { echo "no space left on device" >&2; exit 1; }'
REFUSES = '[ "$1" != run ] || { echo "unable to apply caps" >&2; exit 126; }'
Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Put programs that behave as told on an otherwise empty PATH."""
    programs = tmp_path / "programs"
    programs.mkdir()
    monkeypatch.setenv("PATH", f"{programs}:/bin")
    monkeypatch.setattr(engines, "ENGINES", ("docker-x", "podman-x"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("TASK_GATEWAY_ENGINE", raising=False)

    def write(**behaviour: str) -> None:
        for name, text in behaviour.items():
            program = programs / f"{name}-x"
            program.write_text(f'#!/bin/sh\necho "$@" >> {programs}/{name}.calls\n{text}\n')
            program.chmod(0o755)

    return write


def test_the_first_that_works_is_chosen_and_said_aloud(install: Install, tmp_path: Path) -> None:
    install(docker=SILENT, podman=WORKS)
    said: list[str] = []
    assert choose_engine(say=said.append).name == "podman-x"
    assert said == [
        "container engine: podman-x; docker-x is installed, but does not answer (cannot connect to the daemon)"
    ]
    calls = [line.split()[0] for line in (tmp_path / "programs" / "podman.calls").read_text().splitlines()]
    assert calls == ["info", "import", "run", "rmi"]
    assert list((tmp_path / "cache" / "task-gateway").glob("probe-*")) == []


def test_each_failure_has_its_own_words(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "INFO_SECONDS", 0.3)
    for behaviour, words in {
        SILENT: "is installed, but does not answer (cannot connect to the daemon)",
        HANGS: "is installed, but does not answer (docker-x info did not end",
        REFUSES: "refuses a privileged container (unable to apply caps)",
        NO_IMPORT: "cannot run a container (docker-x import",
    }.items():
        install(docker=behaviour)
        with pytest.raises(EngineError) as refused:
            choose_engine(say=print)
        assert f"docker-x {words}" in refused.value.message
        assert "podman-x is not installed" in refused.value.message


@pytest.mark.parametrize("by_environment", [True, False])
def test_the_one_asked_for_is_the_only_one_tried(
    install: Install, monkeypatch: pytest.MonkeyPatch, by_environment: bool
) -> None:
    install(docker=WORKS, podman=REFUSES)
    if by_environment:
        monkeypatch.setenv("TASK_GATEWAY_ENGINE", "podman-x")
    with pytest.raises(EngineError) as refused:
        choose_engine(None if by_environment else "podman-x", say=print)
    assert "docker" not in refused.value.message


def test_an_engine_nobody_knows() -> None:
    with pytest.raises(EngineError, match="'lxc' is no container engine known here") as refused:
        choose_engine("lxc", say=print)
    assert refused.value.hint == "use docker or podman"


def test_hints_fit_what_is_wrong() -> None:
    assert no_engine({"docker": engines.ABSENT, "podman": engines.ABSENT}).hint == INSTALL_HINT
    assert str(no_engine({"docker": engines.Unfit("says no"), "podman": engines.ABSENT}).hint).startswith(
        "make `docker run"
    )


def test_kind_uses_the_chosen_engine_whatever_the_environment_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert engine("docker").env == {"KIND_EXPERIMENTAL_PROVIDER": "docker"}
    file = tmp_path / "task-gateway" / "containers.conf"
    assert engine("podman").env == {"KIND_EXPERIMENTAL_PROVIDER": "podman", "CONTAINERS_CONF": str(file)}
    assert "default_ulimits" in file.read_text()
    assert [each.name for each in file.parent.iterdir()] == [file.name]


def test_containers_conf() -> None:
    limits = '[containers]\ndefault_ulimits = ["nofile=20000:20000", "nproc=32768:32768"]\n'
    assert containers_conf(nofile=20000, nproc=32768, unified_cgroups=True) == limits
    v1 = containers_conf(nofile=20000, nproc=32768, unified_cgroups=False)
    assert v1 == f'[engine]\nruntime = "runc"\n{limits}'
