"""Tables for a terminal, of text that others wrote: a cell is never markup, and each row is one line."""

from collections.abc import Iterable

from rich.table import Table
from rich.text import Text

from task_gateway.printable import printable


def table(*columns: str, show_header: bool = True) -> Table:
    """Return an empty table that looks like kubectl's."""
    return Table(*columns, box=None, pad_edge=False, show_header=show_header)


def cells(words: Iterable[str]) -> list[Text]:
    """Return the cells of a row: each word unchanged, with an escape for what does not print."""
    return [Text(printable(word)) for word in words]


def number(value: int | None) -> str:
    """Return a number with its thousands apart, a dash for none."""
    return "-" if value is None else f"{value:,}"
