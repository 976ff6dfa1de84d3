"""Tables for a terminal with text from users: cells are never parsed as markup, and each row is one line."""

from collections.abc import Iterable

from rich.table import Table
from rich.text import Text

from task_gateway.printable import printable


def table(*columns: str, show_header: bool = True) -> Table:
    """Return an empty table in the style of kubectl."""
    return Table(*columns, box=None, pad_edge=False, show_header=show_header)


def cells(words: Iterable[str]) -> list[Text]:
    """Return the cells of a row: each word unchanged, except that non-printable characters are escaped."""
    return [Text(printable(word)) for word in words]


def number(value: int | None) -> str:
    """Return a number with thousands separators, a dash for None."""
    return "-" if value is None else f"{value:,}"
