"""Commands in pages that a test runs. Only this module knows how a block is marked, found and run.

`<!-- run by TEST -->` before a block of commands names the file of the test that runs it. A block that the commands
read is written to a file instead: `<!-- FILE for TEST -->`. Each block is an item of its test, in the order of the
pages.
"""

import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from typing import TypeVar

import pytest

from task_gateway import settings
from task_gateway.kube.process import run

ROOT = Path(__file__).parents[2]
COMMANDS = "console"
MARK = re.compile(r"^<!-- (?:run by|(?P<file>\S+) for) (?P<test>tests/\S+) -->$", re.MULTILINE)
FENCED = re.compile(r"^```(?P<language>\w*)[^\n]*\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
Test = TypeVar("Test", bound=Callable[..., None])


@dataclass(frozen=True)
class GuideBlock:
    """A marked block: its page and line, the test that runs it, and the file that it is written to, if any."""

    page: str
    line: int
    test: str
    file: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


@dataclass
class Shell:
    """Runs the blocks of a test one after the other; `exported` keeps exported variables for the next block."""

    folder: Path
    exported: Path
    words: Mapping[str, str] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    broken: str = ""

    def follow(self, block: GuideBlock) -> None:
        if self.broken:
            pytest.skip(f"{self.broken} failed")
        self.broken = str(block)
        if block.file:
            (self.folder / block.file).write_text(Template(block.text).substitute(self.words))
        else:
            self.said.append(self._run(block.text))
        self.broken = ""

    def _run(self, text: str) -> str:
        programs = [str(Path(sys.executable).parent), str(settings.cache_dir() / "bin"), os.environ["PATH"]]
        before = f"source {self.exported}\n" if self.exported.exists() else ""
        script = f"{before}cd {self.folder}\n{text}\nexport -p > {self.exported}"
        environment = {**self.words, "PATH": os.pathsep.join(programs)}
        return run(["bash", "-euo", "pipefail", "-c", script], env=environment).stdout


def follow(test_file: str) -> Callable[[Test], Test]:
    """Make an item of each block that is marked for the test in `test_file`; its argument is `block`."""
    name = Path(test_file).relative_to(ROOT).as_posix()
    blocks = [block for page in pages() for block in marked(page) if block.test == name]
    return pytest.mark.parametrize("block", blocks, ids=str)


def items(test_file: str) -> Callable[[Shell, GuideBlock], None]:
    """Return the test that follows each block marked for `test_file` in the fixture `shell`."""

    @follow(test_file)
    def test_block(shell: Shell, block: GuideBlock) -> None:
        shell.follow(block)

    return test_block


def pages() -> list[Path]:
    """Return the pages that may have marked blocks."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def marked(page: Path) -> list[GuideBlock]:
    """Return the marked blocks of a page; ValueError for a mark without a block."""
    text = page.read_text("utf-8")
    name = page.relative_to(ROOT).as_posix() if page.is_relative_to(ROOT) else page.name
    found = []
    for mark in MARK.finditer(text):
        line = text.count("\n", 0, mark.start()) + 1
        fence = FENCED.match(text, len(text) - len(text[mark.end() :].lstrip("\n")))
        if fence is None or (fence["language"] == COMMANDS) is bool(mark["file"]):
            raise ValueError(f"{name}:{line}: no block stands behind this mark, or one of another kind")
        found.append(GuideBlock(name, line, mark["test"], mark["file"] or "", fence["text"]))
    return found


def unmarked(page: Path) -> list[str]:
    """Return the blocks of commands of a page without a mark."""
    followed = {block.text for block in marked(page)}
    blocks = FENCED.finditer(page.read_text("utf-8"))
    return [each["text"] for each in blocks if each["language"] == COMMANDS and each["text"] not in followed]
