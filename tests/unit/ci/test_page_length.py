"""The length of pages: at most 1,500 words without the rendered parts."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("**/*.md"))]
RENDERED_PAGES = {"checks.md"}
MOST_WORDS = 1500
PART = re.compile(r"<!-- ([\w ]+): begin.*?<!-- \1: end -->", re.DOTALL)


def words(text: str) -> int:
    return sum(any(letter.isalnum() for letter in word) for word in PART.sub("", text).split())


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.name not in RENDERED_PAGES], ids=lambda page: page.name
)
def test_a_page_is_short(page: Path) -> None:
    assert words(page.read_text("utf-8")) <= MOST_WORDS


def test_only_words_outside_of_rendered_parts_count() -> None:
    text = "| two | words |\n| --- | --- |\n<!-- a part: begin (from x) -->\nnot these\n<!-- a part: end -->\n"
    assert words(text) == 2
