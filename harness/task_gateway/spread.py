"""The distribution of the samples of a measurement: the median and the 99th percentile, in seconds."""

import math
import statistics
from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True)
class Spread:
    """The median and the 99th percentile of samples, in seconds; for few samples the maximum instead of the latter."""

    median: float
    p99: float


def spread(seconds: Collection[float], *, digits: int = 4) -> Spread:
    """Return the median and the 99th percentile; for fewer than a hundred samples the maximum instead of the latter."""
    ordered = sorted(seconds)
    return Spread(round(statistics.median(ordered), digits), round(ordered[math.ceil(len(ordered) * 0.99) - 1], digits))
