"""Sentences are found in each kind of file, at their lines, and code is ignored."""

import pytest

import prose

KEPT = {
    "markdown": (
        "Use `a b`, then [the link](../target/page.md).\n\n```console\nhelm list  # explain it\n```\n| one | two |\n",
        ["Use", ", then [the link", ".", "explain it", "one", "two"],
    ),
    "comments": ("# first\n#\n# second\nkey: value  # third\nurl: a#b\n", ["first", "second", "third"]),
    "quoted": ('{{ fail (printf "choose another range" "one") }}\n', ["choose another range"]),
    "template": (
        'Address {{ .ip }}{{ if $x }}{{ "a second address" }}{{ end }}.\n',
        ["Address", "a second address", "."],
    ),
    "strings": (
        '"""Why."""\nKEY = "key"\nraise Wrong(f"{name} in {key} "\n    "is missing")\n',
        ["in", "is missing"],
    ),
    "code": (
        'def act():  # in short\n    """Act on `the pod` now."""\n    # first\n    # second\n    act("a pod")\n',
        ["in short", "Act on           now.", "first", "second", "a pod"],
    ),
}


def parts(text: str) -> list[str]:
    found = (part.strip(" \n\"'{}") for part in text.split(prose.BREAK))
    return [line.strip(" \"'") for part in found for line in part.split("\n") if line.strip(" \"'f")]


@pytest.mark.parametrize("kind", prose.KINDS)
def test_only_sentences_are_kept_and_no_line_moves(kind: str) -> None:
    text, kept = KEPT[kind]
    found = prose.KINDS[kind](text)
    assert [len(line) for line in found.split("\n")] == [len(line) for line in text.split("\n")]
    assert parts(found) == kept


def test_rendered_parts_of_a_page_are_not_checked() -> None:
    text = "one\n<!-- limits: begin (rendered) -->\nrendered\n<!-- limits: end -->\ntwo\n"
    assert parts(prose.markdown(text)) == ["one", "two"]


def test_a_paragraph_of_comments_is_one_text() -> None:
    assert prose.BREAK not in prose.comments("  # two lines so\n  # that they match\n")


def test_a_paragraph_of_comments_in_code_is_one_text() -> None:
    assert prose.BREAK not in prose.code("    # two lines so\n    # that they match\n")


def test_positions_count_characters_and_not_bytes() -> None:
    text = 'say("×", "a b")\n'
    assert prose.strings(text).index("a b") == text.index("a b")
