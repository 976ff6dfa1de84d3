"""Resolves types and values of plain words like the master's reader (YAML 1.1 of yaml.v2). PyYAML differs."""

import base64
import binascii
import math
import re

STANDARD = "tag:yaml.org,2002:"

Value = str | int | float | bool | None

_BOOLEANS = {"y": True, "yes": True, "true": True, "on": True, "n": False, "no": False, "false": False, "off": False}
_WORDS: dict[str, tuple[str, Value]] = {
    form: ("bool", value) for word, value in _BOOLEANS.items() for form in (word, word.capitalize(), word.upper())
}
_WORDS |= dict.fromkeys(("", "~", "null", "Null", "NULL"), ("null", None))
_WORDS |= dict.fromkeys((".nan", ".NaN", ".NAN"), ("float", math.nan))
_WORDS |= {
    f"{sign}{word}": ("float", value)
    for sign, value in (("", math.inf), ("+", math.inf), ("-", -math.inf))
    for word in (".inf", ".Inf", ".INF")
}

_BASES = (
    (re.compile(r"([-+]?)0[xX]([0-9a-fA-F]+)"), 16),
    (re.compile(r"([-+]?)0[oO]([0-7]+)"), 8),
    (re.compile(r"([-+]?)0[bB]([01]+)"), 2),
    (re.compile(r"([-+]?)0([0-7]+)"), 8),
    (re.compile(r"([-+]?)([0-9]|[1-9][0-9]+)"), 10),
    (re.compile(r"0b([-+])([01]+)"), 2),
)
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_TIME = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ][0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}(\.[0-9]+)?(Z|[-+][0-9:]+)?)?")
_LEAST, _MOST, _MOST_UNSIGNED = -(2**63), 2**63 - 1, 2**64 - 1
_LONGEST_NUMBER = 400
_LONGEST_SHOWN = 60


def resolve(text: str) -> tuple[str, Value]:
    """Return the type and value of a plain word: bool, null, int, float or str. Dates and `1:30` are strings."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "+-.0123456789" or len(text) > _LONGEST_NUMBER:
        return "str", text
    if text[0] == ".":
        return _float(text, text)
    plain = text.replace("_", "")
    for pattern, base in _BASES:
        if match := pattern.fullmatch(plain):
            value = int(match[1] + match[2], base)
            if _LEAST <= value <= _MOST or (match[1] == "" and value <= _MOST_UNSIGNED):
                return "int", value
            break
    return _float(plain, text)


def resolve_tagged(tag: str, text: str) -> tuple[str, Value]:
    """Return the type and value of a word with a tag such as `!!int`; ValueError if the word is not of that type.

    With a tag that the reader does not know, the word is a string.
    """
    kind = tag.removeprefix(STANDARD)
    if kind == "binary":
        try:
            return "str", base64.b64decode(text.replace("\n", ""), validate=True).decode("utf-8", "replace")
        except binascii.Error:
            raise ValueError(f"{quote(text)} is not base64") from None
    if kind == "merge" and text == "<<":
        return kind, text
    if kind not in ("bool", "int", "float", "null", "timestamp"):
        return "str", text
    if kind == "timestamp" and _TIME.fullmatch(text):
        return "str", text
    found, value = resolve(text)
    if kind == "float" and found == "int" and isinstance(value, int) and value <= _MOST:
        return "float", float(value)
    if found != kind:
        raise ValueError(f"{quote(text)} is not a !!{kind}")
    return found, value


def show(value: Value) -> str:
    """Return a value as JSON. The master converts keys that are numbers or booleans to strings in the same way."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if math.isnan(value):
            return ".nan"
        return f"{value:g}".replace("inf", ".inf")
    return "null" if value is None else str(value)


def quote(text: str) -> str:
    """Return any `text` in quotes, on one line, and shortened if it is long."""
    return repr(text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 3] + "...")


def _float(plain: str, text: str) -> tuple[str, Value]:
    if _FLOAT.fullmatch(plain) and math.isfinite(value := float(plain)):
        return "float", value
    return "str", text
