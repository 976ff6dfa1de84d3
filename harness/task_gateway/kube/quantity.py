"""Quantities as Kubernetes writes them, with any suffix, as whole numbers."""

from collections.abc import Callable
from decimal import Decimal, InvalidOperation

from kubernetes.utils.quantity import parse_quantity

_parsed: Callable[[str], Decimal] = parse_quantity
MOST_DIGITS = 30
"""Kubernetes has no quantity above 2^63; a longer number would only cost memory."""


def whole(quantity: str) -> int | None:
    """Return a quantity rounded down, as 1000000000 for `1G` and 0 for `100m`; None if it cannot be read."""
    try:
        number = _parsed(quantity)
        return int(number) if number.adjusted() <= MOST_DIGITS else None
    except (ValueError, OverflowError, InvalidOperation):
        return None
