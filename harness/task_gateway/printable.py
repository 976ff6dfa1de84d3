"""Makes text from other users safe for a terminal: no escape sequences, invisible characters or line breaks."""


def printable(text: str) -> str:
    r"""Return `text` with every non-printable character as its escape, such as `\x1b` or `\n`."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)
