"""Finds the sentences in a file for the style check, which ignores code.

Each function returns its text with the same length and the same lines. A space replaces markup inside a sentence, and
`BREAK` replaces everything else, so no match extends from one sentence into another.
"""

import ast
import io
import re
import tokenize
from collections.abc import Callable, Iterator
from itertools import accumulate

BREAK = "\0"
_FENCED = re.compile(r"^[ \t]*```.*?^[ \t]*```[ \t]*$", re.MULTILINE | re.DOTALL)
_NOT_PROSE = re.compile(
    r"<!-- (?P<part>[\w ]+): begin.*?<!-- (?P=part): end -->"  # rendered from records and code
    r"|<!--.*?-->|\]\([^)\n]*\)|`[^`\n]+`|\|",
    re.DOTALL,
)
_CODE = re.compile(r"`[^`\n\0]+`")
_COMMENT = re.compile(r"(?:^[ \t]*|(?<=\s))#+ ?([^\n]*)", re.MULTILINE)
_QUOTED = re.compile(r'"([^"\n]* [^"\n]*)"')
_ACTION = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_JOINED = re.compile(r"""["']+[ \t]*(?:#[^\n]*)?\n\s*[bfru]{0,2}["']+""", re.IGNORECASE)
_FIELD = re.compile(r"\{[^{}]*\}")
_QUOTED_IN_FIELD = re.compile(r"""["']([^"'\n]* [^"'\n]*)["']""")


def markdown(text: str) -> str:
    """Return a page without code, links and rendered parts; a comment in a block of commands is prose."""
    for found in _FENCED.finditer(text):
        text = _put(text, found.start(), comments(found[0]))
    return _NOT_PROSE.sub(lambda found: _blank(found[0]), text)


def comments(text: str) -> str:
    """Return the comments of a YAML file or a block of commands; lines that follow each other are one text."""
    kept = _blank(text)
    for found in _COMMENT.finditer(text):
        kept = _put(kept, found.start(), " " * (found.start(1) - found.start()) + found[1])
    return kept


def quoted(text: str) -> str:
    """Return the quoted strings of several words: the messages of a Helm template, the descriptions in JSON."""
    return _only(text, _QUOTED)


def template(text: str) -> str:
    """Return what a Go or Jinja template prints: the text around its actions, and the sentences quoted in them."""
    return _ACTION.sub(lambda action: quoted(action[0]), text)


def strings(text: str) -> str:
    """Return the string literals of several words in a Python file, except docstrings."""
    return _python(text, docstrings=False)


def code(text: str) -> str:
    """Return the string literals of several words, the docstrings and the comments of a Python file."""
    kept, lines = _python(text, docstrings=True), text.split("\n")
    starts = [0, *accumulate(len(line) + 1 for line in lines)]
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            line, column = token.start
            alone = not lines[line - 1][:column].strip()
            margin = " " * column if alone else ""
            kept = _put(kept, starts[line - 1] + (0 if alone else column), margin + token.string.replace("#", " ", 1))
    return _CODE.sub(lambda found: " " * len(found[0]), kept)


KINDS: dict[str, Callable[[str], str]] = {
    each.__name__: each for each in (markdown, comments, quoted, template, strings, code)
}
"""The kinds that ci/style.yaml can name."""


def _python(text: str, *, docstrings: bool) -> str:
    kept, lines = _blank(text), text.split("\n")
    starts = [0, *accumulate(len(line) + 1 for line in lines)]

    def offset(line: int, column: int) -> int:
        """Convert a position of `ast`, which counts bytes."""
        return starts[line - 1] + len(lines[line - 1].encode()[:column].decode())

    for node in _literals(ast.parse(text), docstrings=docstrings):
        begin = offset(node.lineno, node.col_offset)
        literal = text[begin : offset(node.end_lineno or 0, node.end_col_offset or 0)]
        if " " not in literal.strip():
            continue
        literal = _JOINED.sub(lambda join: _blank(join[0], " "), literal)
        if isinstance(node, ast.JoinedStr):
            literal = _FIELD.sub(lambda field: _only(field[0], _QUOTED_IN_FIELD), literal)
        kept = _put(kept, begin, re.sub(r"\\.", "  ", literal))
    return kept


def _literals(node: ast.AST, *, docstrings: bool) -> Iterator[ast.Constant | ast.JoinedStr]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.JoinedStr) or (isinstance(child, ast.Constant) and isinstance(child.value, str)):
            if docstrings or not isinstance(node, ast.Expr):
                yield child
        else:
            yield from _literals(child, docstrings=docstrings)


def _only(text: str, wanted: re.Pattern[str]) -> str:
    """Return a text of which only the first group of each match is left."""
    kept = _blank(text)
    for found in wanted.finditer(text):
        kept = _put(kept, found.start(1), found[1])
    return kept


def _put(text: str, start: int, part: str) -> str:
    return text[:start] + part + text[start + len(part) :]


def _blank(text: str, fill: str = BREAK) -> str:
    return re.sub(r"[^\n]", fill, text)
