"""Which number to try next, to find the largest accepted one with few requests. Pure: it sends no request.

A rule's cost is close to a power of the number, and a refusal has the factor by which it exceeds its budget. From one
refusal a square is taken for granted, from two the power follows. Where no factor helps, the interval is halved:
every search ends.
"""

import math
from collections.abc import Mapping

Costs = Mapping[str, float | None]
"""What was over its budget at one number: by place, the factor (None: more than 100). Empty: it was accepted."""

GUESSES = 12
"""Questions after which the intervals are halved and no factor is believed any more."""

SLOWEST = 0.25
"""The least power taken from two refusals: what grows slower than that is mostly constant, and halving does better."""


def next_number(seen: Mapping[int, Costs], start: int, ceiling: int) -> int | None:
    """Return the number to ask about next; None when the largest accepted one is settled, or `ceiling` was accepted."""
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
    """Return the largest number known as accepted below every refused one (0: none), and the smallest refused."""
    high = min((number for number, costs in seen.items() if costs), default=None)
    accepted = [number for number, costs in seen.items() if not costs and (high is None or number < high)]
    return max(accepted, default=0), high


def _root(seen: Mapping[int, Costs], high: int) -> int | None:
    """Return where the first of the budgets exceeded at `high` is just kept; None where a factor is not known."""
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
