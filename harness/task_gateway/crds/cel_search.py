"""Selects the next number to try, to find the largest accepted one with few requests. Pure: it sends no request.

A rule's cost is close to a power of the number, and a refusal has the factor by which it exceeds its budget. One
refusal is taken as quadratic; two give the power. If no factor helps, the interval is halved, so every search ends.
"""

import math
from collections.abc import Mapping

Costs = Mapping[str, float | None]
"""The exceeded budgets at one number: the factor by place (None: more than 100). Empty if the number was accepted."""

GUESSES = 12
"""Number of requests after which factors are ignored and intervals are halved."""

SLOWEST = 0.25
"""The least power that two refusals can give. Slower growth is mostly constant cost, for which halving is faster."""


def next_number(seen: Mapping[int, Costs], start: int, ceiling: int) -> int | None:
    """Return the next number to try; None if the largest accepted one is known, or `ceiling` was accepted."""
    low, high = bounds(seen)
    if high is None:
        if low >= ceiling:
            return None
        return min(ceiling, max(16 * low, low * low // 4) if low else start)
    if high - low == 1:
        return None
    guess = _root(seen, high) if len(seen) < GUESSES else None
    if guess is not None and guess == low:
        return low + 1
    if guess is not None and low < guess:
        return min(guess, high - 1)
    if high > 4 * max(low, 1):
        return min(high - 1, max(low + 1, math.isqrt(max(low, 1) * high)))
    return (low + high) // 2


def bounds(seen: Mapping[int, Costs]) -> tuple[int, int | None]:
    """Return the largest accepted number below all refused ones (0: none), and the smallest refused one."""
    high = min((number for number, costs in seen.items() if costs), default=None)
    accepted = [number for number, costs in seen.items() if not costs and (high is None or number < high)]
    return max(accepted, default=0), high


def _root(seen: Mapping[int, Costs], high: int) -> int | None:
    """Return the largest number that should meet all budgets exceeded at `high`; None if a factor is not known."""
    roots = [_root_of(place, seen, high) for place in seen[high]]
    known = [root for root in roots if root is not None]
    return min(known) if len(known) == len(roots) else None


def _root_of(place: str, seen: Mapping[int, Costs], high: int) -> int | None:
    factors = [(number, costs[place]) for number, costs in sorted(seen.items()) if place in costs]
    known = [(number, factor) for number, factor in factors if factor is not None]
    factor = seen[high][place]
    if factor is None:
        return None
    power = 2.0
    further = next(((number, other) for number, other in known if other > max(factor, 1.0)), None)
    if further is not None:
        power = max(SLOWEST, math.log(further[1] / factor) / math.log(further[0] / high))
    return int(high / max(factor, 1.0) ** (1 / power))
