"""Few requests find the largest accepted number for any growth of cost; the API server's rounding is simulated."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from task_gateway.crds.cel_search import Costs, bounds, next_number

BUDGET = 10_000_000
CEILING = 1_000_000
Cost = Callable[[int], float]


def told(cost: float) -> dict[str, float | None]:
    """The factor that the API server reports: six digits below 1.5, one digit up to 100, none beyond."""
    factor = cost / BUDGET
    if cost <= BUDGET:
        return {}
    return {"rule": None if factor > 100 else round(factor, 6 if factor < 1.5 else 1)}


def search(costs: dict[str, Cost], start: int = 64) -> tuple[int, int | None, int]:
    seen: dict[int, Costs] = {}
    while (number := next_number(seen, start, CEILING)) is not None:
        assert number not in seen, "no number is asked about twice"
        assert 1 <= number <= CEILING
        seen[number] = {name: told(cost(number))["rule"] for name, cost in costs.items() if told(cost(number))}
    return *bounds(seen), len(seen)


def test_the_usual_crd_takes_four_questions() -> None:
    rules: dict[str, Cost] = {"port": lambda n: 220.03 * n * n + 9.1 * n, "name": lambda n: 108 * n * n}
    assert search(rules) == (213, 214, 4)


def test_linear_rules_take_at_most_eight() -> None:
    low, high, requests = search({"linear": lambda n: 21 * n + 2})
    assert (low, high) == (476190, 476191)
    assert requests <= 8


def test_without_a_refusal_the_search_ends_at_the_ceiling() -> None:
    assert search({}) == (CEILING, None, 4)


def test_a_declared_number_that_is_refused_itself_is_lowered() -> None:
    assert search({"square": lambda n: 1000 * n * n}, start=5000)[:2] == (100, 101)


def test_a_crd_that_is_always_refused_ends_at_zero() -> None:
    assert search({"constant": lambda _: 2 * BUDGET})[:2] == (0, 1)


def test_a_server_that_tells_no_factors_is_asked_by_halving() -> None:
    seen: dict[int, Costs] = {}
    while (number := next_number(seen, 445, 577)) is not None:
        seen[number] = {} if number <= 406 else {"object": None}
    assert bounds(seen) == (406, 407)
    assert len(seen) <= 12


@pytest.mark.parametrize("power", [0.5, 1, 1.5, 2, 3, 4])
def test_few_questions_suffice_for_any_power(power: float) -> None:
    scale = BUDGET / 333.3**power
    low, high, requests = search({"rule": lambda n: scale * n**power})
    assert (low, high) == (333, 334)
    assert requests <= 14


@settings(deadline=None, max_examples=300)
@given(
    start=st.integers(1, 5000),
    terms=st.lists(
        st.tuples(st.floats(0, 2 * BUDGET), st.floats(1e-3, 1e6), st.floats(0.1, 4)), min_size=1, max_size=3
    ),
)
def test_every_search_ends_with_the_largest_accepted_number(
    start: int, terms: list[tuple[float, float, float]]
) -> None:
    def cost(constant: float, scale: float, power: float) -> Cost:
        return lambda n: constant + scale * n**power

    rules = {str(number): cost(*term) for number, term in enumerate(terms)}
    low, high, requests = search(rules, start)
    fits = [all(rule(n) <= BUDGET for rule in rules.values()) for n in (max(low, 1), low + 1)]
    assert high is None or (high == low + 1 and not fits[1])
    assert low == 0 or fits[0]
    assert requests <= 40
