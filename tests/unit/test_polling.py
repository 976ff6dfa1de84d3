"""Attempts and their pauses, by a clock that only pauses and attempts move."""

import time
from itertools import islice

import pytest

from task_gateway.polling import attempts, doubled, scattered
from task_gateway.settings import Wait

WAIT = Wait("lamp", "the lamp is on", 1.0)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(time, "sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))
    return now


def test_attempts_end_with_the_last_that_fits_into_the_wait(clock: list[float]) -> None:
    assert list(attempts(WAIT, 0.25)) == [1.0, 0.75, 0.5, 0.25, 0.0]
    assert clock == [101.0]


def test_there_is_one_attempt_however_short_the_wait(clock: list[float]) -> None:
    assert list(attempts(Wait("lamp", "the lamp is on", 0.0), 0.25)) == [0.0]


def test_slow_attempts_count(clock: list[float]) -> None:
    left = []
    for each in attempts(WAIT, 0.25):
        left.append(each)
        clock[0] += 0.5
    assert left == [1.0, 0.25]


def test_another_way_to_pause(clock: list[float]) -> None:
    paused: list[float] = []

    def sleep(seconds: float) -> None:
        paused.append(seconds)
        clock[0] += seconds

    list(attempts(WAIT, 0.5, sleep=sleep))
    assert paused == [0.5, 0.5]


def test_pauses_double_up_to_the_longest() -> None:
    assert list(islice(doubled(0.1, 0.35), 4)) == [0.1, 0.2, 0.35, 0.35]


def test_scattered_pauses_differ_and_stay_below_the_longest() -> None:
    found = list(islice(scattered(0.05), 50))
    assert len(set(found)) > 1
    assert all(0 <= each <= 0.05 for each in found)
