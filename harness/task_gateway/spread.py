"""How far the samples of a measurement lie apart: seconds, as the median and the 99th percentile."""

import math
import statistics
from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True)
class Spread:
    """Seconds of many samples: the middle one, and the one that 99 of 100 stay below, of few the longest."""

    median: float
    p99: float


def spread(seconds: Collection[float], *, digits: int = 4) -> Spread:
    """Return the median and the 99th percentile, of fewer than a hundred the longest."""
    ordered = sorted(seconds)
    return Spread(round(statistics.median(ordered), digits), round(ordered[math.ceil(len(ordered) * 0.99) - 1], digits))
