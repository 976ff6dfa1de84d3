"""The missing requirements of a machine are reported as one list, each with the command to install it."""

import os
import platform
import shutil
from collections import namedtuple
from pathlib import Path

import pytest

import needs
from needs import Need
from progress import Progress
from task_gateway.errors import EngineError, NeedsMissing, ToolMissing
from task_gateway_lab.clusters.engine import Engine
from task_gateway_lab.master import browser

ENGINE = Engine("docker-x")
Disk = namedtuple("Disk", "free")


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Be a user without root on Ubuntu, with a browser and a large disk; return the one folder on PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(needs, "distribution", lambda: "ubuntu")
    monkeypatch.setattr(browser, "find", lambda: Path("/usr/bin/chromium"))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Disk(100 * needs.GIB))
    monkeypatch.setattr(needs, "rootless", lambda _: False)
    return tmp_path


def required(mode: str) -> tuple[list[str], NeedsMissing | None]:
    """Return the lines of the list, and what is missing."""
    said: list[str] = []
    try:
        needs.require(mode, ENGINE, Progress(said.append))
    except NeedsMissing as missing:
        return said, missing
    return said, None


def test_pull_mode_needs_neither_go_nor_debootstrap(host: Path) -> None:
    said, missing = required("pull")
    assert missing is None
    assert [line.split()[0] for line in said] == ["√"] * 3


def test_build_mode_names_all_that_is_missing_at_once(host: Path) -> None:
    said, missing = required("build")
    assert missing is not None
    assert [name for name, *_ in missing.needs] == ["Go", "debootstrap", "root"]
    assert [line.split()[0] for line in said].count("×") == 3
    assert all(command for *_, command in missing.needs)


@pytest.mark.parametrize(
    ("system", "command"), [("Linux", "sudo apt-get install podman"), ("Darwin", "start Docker Desktop")]
)
def test_a_missing_engine_is_told_with_the_rest(
    host: Path, monkeypatch: pytest.MonkeyPatch, system: str, command: str
) -> None:
    monkeypatch.setattr(browser, "find", lambda: _raise())
    monkeypatch.setattr(platform, "system", lambda: system)
    said: list[str] = []
    missing = needs.without_engine(EngineError("docker is not installed"), Progress(said.append))
    assert [name for name, *_ in missing.needs] == ["container engine", "browser"]
    assert command in str(missing.hint)
    assert [line.split()[0] for line in said] == ["×", "×", "√"]


def test_nothing_is_installed_unasked_but_as_root_on_debian(host: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed: list[str] = []
    monkeypatch.setattr(needs, "install", lambda packages, _: installed.extend(packages.values()))
    (host / "apt-get").write_text("#!/bin/sh\n")
    (host / "apt-get").chmod(0o755)
    monkeypatch.setattr(browser, "find", lambda: _raise())
    for distribution, user, expected in (("ubuntu", 0, []), ("debian", 1000, []), ("debian", 0, ["chromium"])):
        monkeypatch.setattr(needs, "distribution", lambda distribution=distribution: distribution)
        monkeypatch.setattr(os, "geteuid", lambda user=user: user)
        installed.clear()
        _, missing = required("pull")
        assert installed == expected
        assert missing is not None
        assert missing.needs[0][0] == "browser"


def _raise() -> Path:
    raise ToolMissing("there is no Chromium")


@pytest.mark.parametrize(
    ("distribution", "command"),
    [("debian", "sudo apt-get install chromium"), ("ubuntu", "playwright install"), ("darwin", "playwright install")],
)
def test_the_command_for_a_browser_fits_the_system(
    host: Path, monkeypatch: pytest.MonkeyPatch, distribution: str, command: str
) -> None:
    monkeypatch.setattr(browser, "find", lambda: _raise())
    monkeypatch.setattr(needs, "distribution", lambda: distribution)
    _, missing = required("pull")
    assert missing is not None
    assert command in str(missing.hint)


def test_a_full_disk_is_found_before_anything_is_made(host: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Disk(3 * needs.GIB))
    _, missing = required("pull")
    assert missing is not None
    assert missing.needs[0][:2] == ("disk", "3 GiB free, 10 needed")


@pytest.mark.parametrize(
    ("controllers", "missing"),
    [("cpuset cpu io memory pids", []), ("memory pids", ["cpu"]), ("", ["cpu", "memory", "pids"])],
)
def test_a_rootless_engine_needs_delegated_controllers(
    host: Path, monkeypatch: pytest.MonkeyPatch, controllers: str, missing: list[str]
) -> None:
    assert needs.undelegated(controllers) == missing
    monkeypatch.setattr(needs, "rootless", lambda _: True)
    monkeypatch.setattr(needs, "_user_controllers", lambda: controllers)
    _, found = required("pull")
    assert ([name for name, *_ in found.needs] if found else []) == (["rootless nodes"] if missing else [])


def test_a_line_has_state_and_command() -> None:
    assert Need("Go", False, "not installed", "install it").line() == "× Go: not installed; install it"
    assert Need("Go", True, "/usr/bin/go").line() == "√ Go: /usr/bin/go"
