"""Text that others wrote, as a terminal can show it: no escape sequence, no invisible character, no second line."""


def printable(text: str) -> str:
    r"""Return `text` with every character that does not print as its escape, as in `\x1b` or `\n`."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)
