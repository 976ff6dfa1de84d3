"""The median and the 99th percentile of samples, also of few."""

import pytest

from task_gateway.spread import Spread, spread


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        ([0.2], Spread(0.2, 0.2)),
        ([3.0, 1.0, 2.0], Spread(2.0, 3.0)),
        ([n / 100 for n in range(200)], Spread(0.995, 1.97)),
    ],
)
def test_a_spread_is_the_middle_and_what_99_of_100_stay_below(seconds: list[float], expected: Spread) -> None:
    assert spread(seconds) == expected
