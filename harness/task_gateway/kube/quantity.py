"""Converts Kubernetes quantities with any suffix to whole numbers."""

import re
from decimal import Decimal

_QUANTITY = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))(?:[eE]([+-]?\d{1,3})|([numkMGTPE]|[KMGTPE]i)?)")
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {f"{letter}i": 1024**power for power, letter in enumerate("KMGTPE", 1)}
MOST_DIGITS = 30
"""Kubernetes has no quantity above 2^63; a longer number would only cost memory."""


def whole(quantity: str) -> int | None:
    """Return a quantity rounded towards zero, such as 1000000000 for `1G` and 0 for `100m`; None if it is invalid.

    The form is that of https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity.
    """
    found = _QUANTITY.fullmatch(quantity) if quantity.isascii() else None
    if found is None:
        return None
    digits, exponent, suffix = found[1], found[2], found[3] or ""
    if suffix in _BINARY:
        number = Decimal(digits) * _BINARY[suffix]
    else:
        number = Decimal(digits).scaleb(int(exponent) if exponent else _DECIMAL[suffix])
    return int(number) if number.adjusted() <= MOST_DIGITS else None
