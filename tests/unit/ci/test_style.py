"""The style check: each rule finds its example, and hits have their line."""

import itertools
import re
from dataclasses import replace

import pytest
from typer.core import TyperCommand

import pins
import prose
import style
from style import Excuse, StyleRule
from task_gateway.cli import _commands

STYLE = style.read()
RULE = StyleRule("(?<!stays )so that", '"so"', "a habit", "so that it waits")
ONLY = replace(STYLE, rules=(RULE,), exceptions=())


@pytest.mark.parametrize("rule", STYLE.rules, ids=lambda rule: rule.example)
def test_a_rule_finds_its_example_and_gives_no_advice_that_another_rule_finds(rule: StyleRule) -> None:
    assert rule.regex.search(rule.example)
    assert [each.pattern for each in STYLE.rules if each.regex.search(rule.instead)] == []


def test_a_hit_has_its_file_line_and_advice_also_across_a_line_break() -> None:
    (hit,) = style.hits("docs/a.md", "One.\n\nIt waits so\nthat it stays\nso that.\n", "markdown", ONLY)
    assert str(hit) == 'docs/a.md:3: "so that": write "so" (a habit)'


def test_an_exception_holds_in_its_file_for_its_text_only() -> None:
    excused = replace(ONLY, exceptions=(Excuse("docs/a.md", "quote: so that", "a quotation"),))
    text = "A quote: so\nthat. Another so that.\n"
    assert [hit.line for hit in style.hits("docs/a.md", text, "markdown", excused)] == [2]
    assert [hit.line for hit in style.hits("docs/b.md", text, "markdown", excused)] == [1, 2]


@pytest.mark.parametrize(("text", "kept"), [("quote: so that", True), ("quote: and that", False), ("", False)])
def test_an_exception_that_excuses_nothing_is_named(text: str, kept: bool) -> None:
    excuse = Excuse("docs/a.md", "quote: so that" if kept else "quote: and that", "a quotation")
    assert style.outdated(replace(ONLY, exceptions=(excuse,)), {"docs/a.md": text}) == ([] if kept else [excuse])


def test_each_file_is_checked_once_by_the_first_source_that_has_it() -> None:
    files = list(style.checked(STYLE))
    kinds = dict(files)
    assert len(kinds) == len(files)
    assert kinds["harness/task_gateway/cli/expose.py"] == "code"
    assert kinds["ci/docs/cel.py"] == "strings"
    assert {"README.md", "docs/install.md", "charts/internal-task-gateway/values.yaml"} <= kinds.keys()
    assert not kinds.keys() & STYLE.not_checked.keys()
    assert set(kinds.values()) <= prose.KINDS.keys()
    for source in STYLE.sources:
        assert list(pins.ROOT.glob(source.files)), source.files


def test_the_rendered_help_is_in_files_that_are_checked() -> None:
    files = [file for file, kind in style.checked(STYLE) if "/cli/" in file and kind == "code"]
    checked = {pair for file in files for pair in _pairs(prose.code(style.text(file)))}
    texts = [text for name in _commands.files() for text in _help(_commands.load(name)) if _pairs(text)]
    assert len(texts) > 100
    # Names of strategies, controllers and the like are computed, so some pairs of words are in no file.
    assert [text for text in texts if len(_pairs(text) & checked) < len(_pairs(text)) / 2] == []


def _help(command: TyperCommand) -> list[str]:
    own = [command.help or "", *(getattr(each, "help", "") or "" for each in command.params)]
    return own + [text for each in getattr(command, "commands", {}).values() for text in _help(each)]


def _pairs(text: str) -> set[tuple[str, str]]:
    without_code = re.sub(r"`[^`]+`", " ", text)
    return set(itertools.pairwise(re.findall(r"[\w'-]+", without_code)))
