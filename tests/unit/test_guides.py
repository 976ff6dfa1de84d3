"""Every block of a page that is marked as run by a test is run by it, and a page that has one leaves none out."""

import re
import sys
from pathlib import Path

import pytest
from tests.guides import blocks

from task_gateway.errors import CommandFailed
from task_gateway.kube.process import run

MARKED = {page: blocks.marked(page) for page in blocks.pages()}
TESTS = sorted({block.test for found in MARKED.values() for block in found})


@pytest.mark.parametrize("test", TESTS)
def test_every_marked_block_is_an_item_of_the_test_that_it_names(test: str) -> None:
    collect = [sys.executable, "-m", "pytest", "--collect-only", "--quiet", "-p", "no:cacheprovider", test]
    collected = re.findall(r"\[([^]]+)\]$", run(["env", "-C", blocks.ROOT, *collect]).stdout, re.MULTILINE)
    assert collected == [str(block) for found in MARKED.values() for block in found if block.test == test]


def test_the_guides_are_among_the_pages_that_are_followed() -> None:
    followed = {page.name for page, found in MARKED.items() if found}
    assert {"quick-start.md", "install.md", "multi-rm.md"} <= followed


@pytest.mark.parametrize("page", [page for page, found in MARKED.items() if found], ids=lambda page: page.name)
def test_a_page_that_is_followed_is_followed_whole(page: Path) -> None:
    assert blocks.unmarked(page) == []


@pytest.mark.parametrize(
    ("name", "end"), [("jupyterhub", ""), ("determined", "## Add slots for other platforms"), ("determined-lane", "")]
)
def test_the_guide_of_a_platform_has_at_most_ten_commands(name: str, end: str, tmp_path: Path) -> None:
    """A command that continues on the next line is indented there; what follows `end` is optional."""
    before, mark, _ = (blocks.ROOT / "docs" / f"{name}.md").read_text().partition(end or "\0")
    assert bool(mark) is bool(end)
    page = tmp_path / "page.md"
    page.write_text(before)
    texts = [each.text for each in blocks.marked(page) if not each.file]
    assert 3 <= len([line for text in texts for line in text.splitlines() if not line.startswith(" ")]) <= 10


@pytest.mark.parametrize(
    "text",
    [
        "<!-- run by tests/t.py -->\n\nsome words\n\n```console\ntrue\n```\n",
        "<!-- run by tests/t.py -->\n\n```yaml\na: 1\n```\n",
        "<!-- a.yaml for tests/t.py -->\n\n```console\ntrue\n```\n",
    ],
)
def test_a_mark_without_its_block_is_told(text: str, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# Page\n\n{text}")
    with pytest.raises(ValueError, match=r"page\.md:3: "):
        blocks.marked(page)


def block(text: str, file: str = "") -> blocks.GuideBlock:
    return blocks.GuideBlock("page.md", 3, "tests/t.py", file, text)


def test_a_block_has_what_the_ones_before_it_exported_and_wrote(tmp_path: Path) -> None:
    shell = blocks.Shell(tmp_path, tmp_path / "exported", {"WHO": "ada"})
    shell.follow(block("who: $WHO\n", "who.yaml"))
    shell.follow(block("export SEEN=$(cat who.yaml)\n"))
    shell.follow(block('echo "$SEEN"\n'))
    assert shell.said == ["", "who: ada\n"]


def test_the_first_command_that_fails_ends_its_block_and_those_after_it(tmp_path: Path) -> None:
    shell = blocks.Shell(tmp_path, tmp_path / "exported")
    with pytest.raises(CommandFailed):
        shell.follow(block("false\ntrue\n"))
    with pytest.raises(pytest.skip.Exception, match=r"page\.md:3 failed"):
        shell.follow(block("true\n"))
