"""The pictures of a terminal that `make pictures` records, for the pages that show them."""

from pathlib import Path

import pictures


def page(folder: Path, link: str) -> str:
    """Return the pictures that are recorded in a folder, in their order; `link` is the folder as the page links it."""
    found = [each for each in pictures.RECORDED if (folder / f"{each.name}.svg").exists()]
    return "\n\n".join(f"![{each.title}]({link}/{each.name}.svg)" for each in found)
