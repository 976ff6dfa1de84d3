"""Checks the text that users read against ci/style.yaml: turns of phrase that plain technical English does not use.

python ci/style.py list [FILE…]   print each hit as FILE:LINE, and what to write instead
python ci/style.py verify         exit 1 if there is a hit, or an exception that is no longer needed
"""

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import yaml

import pins
from prose import KINDS

RULES = pins.CI / "style.yaml"
_SPACE = re.compile(r"(\(\?<[!=][^)]*\))| ")


@dataclass(frozen=True)
class StyleRule:
    """A turn of phrase, as a regular expression in which a space also matches a line break.

    `example` is a phrase that the rule finds; `instead` is what to write, `reason` why.
    """

    pattern: str
    instead: str
    reason: str
    example: str

    @cached_property
    def regex(self) -> re.Pattern[str]:
        """The compiled pattern: whole words, in any case."""
        return re.compile(rf"\b(?:{_spaced(self.pattern)})\b", re.IGNORECASE)


@dataclass(frozen=True)
class Excuse:
    """A text in which hits are allowed, in one file, for a `reason`."""

    file: str
    text: str
    reason: str


@dataclass(frozen=True)
class Source:
    """Files that are checked: a glob, and the function of prose.py that finds their sentences."""

    files: str
    kind: str


@dataclass(frozen=True)
class Style:
    """The contents of ci/style.yaml."""

    sources: tuple[Source, ...]
    not_checked: Mapping[str, str]
    rules: tuple[StyleRule, ...]
    exceptions: tuple[Excuse, ...]


@dataclass(frozen=True)
class Hit:
    """A turn of phrase in a file, at a line counted from 1."""

    file: str
    line: int
    turn: str
    rule: StyleRule

    def __str__(self) -> str:
        return f'{self.file}:{self.line}: "{self.turn}": write {self.rule.instead} ({self.rule.reason})'


def main(arguments: list[str]) -> int:
    """Run one of the two forms of the command; return the exit code."""
    style = read()
    files = dict(checked(style))
    found = [hit for file, kind in files.items() for hit in hits(file, text(file), kind, style)]
    match arguments:
        case ["list", *wanted]:
            for hit in found:
                if not wanted or hit.file in wanted:
                    print(hit)
            return 0
        case ["verify"]:
            return _verify(style, files, found)
    print(f"error: unknown arguments: {' '.join(arguments)}\n{__doc__}", file=sys.stderr)
    return 2


def read(file: Path = RULES) -> Style:
    """Return the rules, the files that they apply to, and the exceptions."""
    content = yaml.safe_load(file.read_text("utf-8"))
    return Style(
        sources=tuple(Source(**each) for each in content["sources"]),
        not_checked={each["file"]: each["reason"] for each in content["not_checked"]},
        rules=tuple(StyleRule(**each) for each in content["rules"]),
        exceptions=tuple(Excuse(**each) for each in content["exceptions"]),
    )


def checked(style: Style, root: Path = pins.ROOT) -> Iterator[tuple[str, str]]:
    """Yield each file to check, relative to the root, with its kind: that of the first source that matches it."""
    seen = set(style.not_checked)
    for source in style.sources:
        for path in sorted(root.glob(source.files)):
            name = path.relative_to(root).as_posix()
            if name not in seen:
                seen.add(name)
                yield name, source.kind


def text(file: str) -> str:
    """Return the contents of a file of the repository."""
    return (pins.ROOT / file).read_text("utf-8")


def hits(file: str, text: str, kind: str, style: Style) -> list[Hit]:
    """Return what the rules find in the sentences of a file, in order of lines."""
    prose = KINDS[kind](text)
    excused = [span for each in style.exceptions if each.file == file for span in _spans(each.text, prose)]
    found = [
        Hit(file, prose.count("\n", 0, match.start()) + 1, " ".join(match[0].split()), rule)
        for rule in style.rules
        for match in rule.regex.finditer(prose)
        if not any(start <= match.start() and match.end() <= end for start, end in excused)
    ]
    return sorted(found, key=lambda hit: hit.line)


def outdated(style: Style, texts: Mapping[str, str]) -> list[Excuse]:
    """Return the exceptions that excuse nothing: their text, among the sentences of a file, is gone or fine."""
    return [
        each
        for each in style.exceptions
        if not any(
            rule.regex.search(texts[each.file], start, end)
            for start, end in _spans(each.text, texts.get(each.file, ""))
            for rule in style.rules
        )
    ]


def _verify(style: Style, files: Mapping[str, str], found: list[Hit]) -> int:
    for hit in found:
        print(f"× {hit}")
    excused = {each.file for each in style.exceptions if each.file in files}
    unused = outdated(style, {file: KINDS[files[file]](text(file)) for file in excused})
    for each in unused:
        print(f'× ci/style.yaml: the exception "{each.text}" in {each.file} excuses nothing: remove it')
    if found or unused:
        print("  rewrite the phrases, or add an exception with its reason to ci/style.yaml")
        return 1
    print(f"√ style: no hits in {len(files)} files")
    return 0


def _spans(text: str, prose: str) -> list[tuple[int, int]]:
    return [match.span() for match in re.finditer(_spaced(re.escape(text).replace(r"\ ", " ")), prose)]


def _spaced(pattern: str) -> str:
    """Let each space of a pattern match any white space, such as a line break; in a look-behind, one character."""
    return _SPACE.sub(lambda found: found[1].replace(" ", r"\s") if found[1] else r"\s+", pattern)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
