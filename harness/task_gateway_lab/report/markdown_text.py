"""Escapes texts for Markdown, so they are not parsed as Markdown or HTML."""

import re
from collections.abc import Container, Iterable, Sequence
from urllib.parse import quote


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, plain: Container[int] = ()) -> str:
    """Return a table; the columns `plain`, counted from 0, already contain Markdown."""
    lines = [head, ["---"] * len(head)]
    lines += [[cell if i in plain else escaped(cell) for i, cell in enumerate(row)] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def escaped(text: str) -> str:
    """Return `text` on one line, with the special characters of Markdown and HTML escaped."""
    safe = text.strip().replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    safe = re.sub(r"([\\`*_\[\]|#~!])", r"\\\1", safe)
    return "<br>".join(safe.splitlines())


def fence(text: str, language: str) -> str:
    """Return a code block whose fence is longer than any in the text."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def link(path: str) -> str:
    """Return a link to a file next to the report."""
    return f"[{escaped(path)}]({quote(path)})"
