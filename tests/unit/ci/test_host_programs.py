"""Programs of the host in pull mode: one on PATH is used if it has the pinned version; links follow the pins."""

from pathlib import Path

import pytest

import archives
import image_list
from offline import programs
from online import host_programs


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the one folder on PATH, with caches of this test."""
    folder = tmp_path / "path"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/bin")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("TASK_GATEWAY_TOOLS", raising=False)
    return folder


def program(folder: Path, name: str, told: str) -> Path:
    file = folder / name
    file.write_text(f"#!/bin/sh\necho '{told}'\n")
    file.chmod(0o755)
    return file


@pytest.mark.parametrize(
    ("name", "told", "used"),
    [
        ("kind", "kind v{} go1.26.8 linux/amd64", True),
        ("kind", "kind v{}1 go1.26.8 linux/amd64", False),
        ("helm", "v{}", True),
        ("helm", "v3.1.0", False),
        ("kubectl", '{{"clientVersion": {{"gitVersion": "v{}"}}}}', True),
        ("kubectl", "no JSON", False),
    ],
)
def test_a_program_on_path_is_used_if_its_version_is_right(path: Path, name: str, told: str, used: bool) -> None:
    file = program(path, name, told.format(archives.version(name)))
    assert host_programs.on_path(name, archives.version(name)) == (file if used else None)


def test_a_link_is_made_again_once_the_version_is_another(path: Path) -> None:
    images = image_list.chosen()
    assert not host_programs.linked("kind", images)
    file = program(path, "kind", f"kind v{archives.version('kind')} go1.26.8 linux/amd64")
    programs.link("kind", file)
    assert host_programs.linked("kind", images)
    program(path, "kind", "kind v0.1.0 go1.26.8 linux/amd64")
    assert not host_programs.linked("kind", images)


def test_the_programs_of_the_toolchain_on_path_are_not_taken_for_the_users(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = program(path, "kind", f"kind v{archives.version('kind')} go1.26.8 linux/amd64")
    programs.link("kind", file)
    tools = path.parent / "cache/task-gateway/bin"
    monkeypatch.setenv("PATH", f"{tools}:/bin")
    assert host_programs.on_path("kind", archives.version("kind")) is None
