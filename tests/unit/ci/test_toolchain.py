"""The pure parts of the toolchain: consistent pins, keys derived from content, and correct progress."""

import dataclasses
import re
from pathlib import Path

import pytest

import image_list
import pins
from offline import images, programs
from progress import BuildPart, Progress
from task_gateway import __version__


def test_generated_files_agree_with_the_pins() -> None:
    assert pins.problems() == []


@pytest.mark.parametrize(
    "pin", sorted({each.pin for each in pins.GO_PINS} | {"ENVOY_VERSION", "JUPYTERLAB_VERSION", "UV_VERSION"})
)
def test_a_pin_that_was_changed_alone_is_found(pin: str, monkeypatch: pytest.MonkeyPatch) -> None:
    changed = pins.read() | {pin: "9.9.9"}
    monkeypatch.setattr(pins, "read", lambda: changed)
    assert pins.problems()
    assert all("9.9.9" in each or "replaces" in each for each in pins.problems())


def test_a_version_that_was_changed_alone_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pins, "__version__", "9.9.9")
    places = {sentence.split(" ")[0] for sentence in pins.problems()}
    charts = {f"charts/{name}/Chart.yaml" for name in ("internal-task-gateway", "gateway-api-crds")}
    assert charts | {"CHANGELOG.md", "docs/release-notes.md"} <= places


@pytest.mark.parametrize("changes", ["## 0.0.1", "## Unreleased\n## 0.0.1", "# Changes"])
def test_changes_begin_with_what_is_unreleased_and_then_the_version(changes: str) -> None:
    assert pins.changes(f"# Changes\n\n## Unreleased\n\n## {__version__}\n") is None
    assert pins.changes(f"# Changes\n\n## [Unreleased]\n\n## [{__version__}] - 2026-01-01\n") is None
    assert pins.changes(changes)


def test_every_pin_is_a_plain_assignment_once() -> None:
    lines = [line for line in (pins.CI / "versions.env").read_text().splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Z_]+=([\w.-]+|h1:[\w+/=]+)", line) for line in lines)
    assert len({line.split("=")[0] for line in lines}) == len(lines)


def test_a_program_has_a_key_of_its_own_that_follows_its_flags() -> None:
    every = programs.EVERY
    keys = [programs.key(each) for each in every]
    assert len(set(keys)) == len(every)
    assert programs.key(dataclasses.replace(every[0], tags="other")) != keys[0]
    assert keys == [programs.key(each) for each in every]


def test_every_program_the_images_need_is_built() -> None:
    built = {each.name for each in programs.EVERY}
    needed = {name for group in images.NODE_PROGRAMS.values() for name in group} | set(images.SCRATCH) | {"kube-proxy"}
    assert needed <= built
    assert set(images.SCRATCH) <= set(image_list.names())


def test_a_key_follows_what_a_module_does_and_not_where_things_stand(tmp_path: Path) -> None:
    def read(head: str, body: str) -> bytes:
        file = tmp_path / "module.py"
        file.write_text(f"{head}\n\nfrom base import A\n\n{body}\n")
        return images.statements(file)

    before = read('"""Builds."""', "B = A + 1")
    assert before == read('"""Builds it."""\nimport other', "B = A + 1")
    assert before != read('"""Builds."""', "B = A + 2")


def test_progress_counts_only_what_is_missing_and_says_what_is_left(tmp_path: Path) -> None:
    said: list[str] = []
    progress = Progress(said.append)
    made = tmp_path / "made"
    parts = [
        BuildPart("there", 60, lambda: True, lambda: pytest.fail("made again")),
        BuildPart("first", 60, made.exists, made.touch),
        BuildPart("second", 240, lambda: False, lambda: None),
    ]
    missing = progress.expect(parts)
    assert [part.name for part in missing] == ["first", "second"]
    progress.make(missing[0])
    assert made.exists()
    assert "[1/2] left: second (about 4 min)" in said[0]
    progress.make(missing[1])
    assert "[2/2] nothing left" in said[1]
    assert progress.made == 2


def test_a_part_that_fails_stays_left() -> None:
    progress = Progress(lambda _: None)
    (part,) = progress.expect([BuildPart("broken", 1, lambda: False, lambda: (_ for _ in ()).throw(OSError("no")))])
    with pytest.raises(OSError, match="no"):
        progress.make(part)
    assert progress.made == 0
