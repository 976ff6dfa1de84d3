"""Pictures of a terminal: their contents, and what they must not show."""

import shlex
from pathlib import Path
from xml.etree import ElementTree

import pytest
from rich._export_format import CONSOLE_SVG_FORMAT

import pictures
import pins
from docs import pictures as page
from task_gateway.cli._commands import load
from task_gateway.model import Cluster

PICTURE = pictures.Picture("ls", "The tasks", ("task-gateway ls",))
BOLD = "\x1b[1mPORT\x1b[0m\r\n20000\r\n"


def drawn(output: str = BOLD) -> str:
    return pictures.svg(PICTURE, [("task-gateway ls", output)])


def test_a_picture_shows_the_command_and_what_it_printed() -> None:
    words = "".join(ElementTree.fromstring(drawn()).itertext()).replace("\xa0", " ")
    assert all(text in words for text in ("$ ", "task-gateway ls", "PORT", "20000"))
    assert "\x1b" not in words
    assert drawn() == drawn()


def test_a_picture_needs_nothing_of_another_site() -> None:
    assert "font-face" in CONSOLE_SVG_FORMAT
    assert "font-face" not in drawn()
    assert "url(http" not in drawn()
    assert 'url("http' not in drawn()


@pytest.mark.parametrize("path", [str(Path.home()), str(pins.ROOT)])
def test_a_path_of_this_machine_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="only exists on this machine"):
        drawn(f"{path}/kubeconfig")


def test_a_command_runs_in_a_terminal_of_a_fixed_width(tmp_path: Path) -> None:
    cluster = Cluster("here", "kind", tmp_path / "kubeconfig")
    shown = pictures.typed('stty size; test -t 1 && echo "$KUBECONFIG"', cluster).split()
    assert shown == [str(pictures.ROWS), str(pictures.COLUMNS), str(cluster.kubeconfig)]


def test_each_recorded_command_exists() -> None:
    commands = [shlex.split(command) for each in pictures.RECORDED for command in each.commands]
    assert {words[0] for words in commands} == {"task-gateway"}
    assert [load(words[1]).name for words in commands] == [words[1] for words in commands]


def test_a_page_has_the_pictures_that_are_recorded(tmp_path: Path) -> None:
    assert page.page(tmp_path, "pictures") == ""
    for name in ("ls", "expose", "other"):
        (tmp_path / f"{name}.svg").touch()
    lines = page.page(tmp_path, "docs/pictures").split("\n\n")
    assert [line.rpartition("(")[2] for line in lines] == ["docs/pictures/expose.svg)", "docs/pictures/ls.svg)"]
