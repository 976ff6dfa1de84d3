"""How requirements are tested: in order, each after those it depends on, and their results."""

import pytest

from task_gateway.errors import ClusterUnreachable, ScenarioFailed, WaitTimeout
from task_gateway.model_controllers import RequirementRecord
from task_gateway.probe import probe
from task_gateway.probe.base import Met, NotSupported, Requirement, RequirementFunction, RequirementResult, in_order
from task_gateway.probe.fixture import ProbeFixture

MADE = ProbeFixture.__new__(ProbeFixture)


def answering(answer: Met | NotSupported | Exception) -> RequirementFunction:
    def check(_: ProbeFixture) -> Met | NotSupported:
        if isinstance(answer, Exception):
            raise answer
        return answer

    return check


def requirement(rank: int, answer: Met | NotSupported | Exception, *after: str, required: bool = True) -> Requirement:
    return Requirement(rank, f"r{rank}", "", required, after, answering(answer))


def checked(*requirements: Requirement) -> dict[str, RequirementRecord]:
    return {each.name: each for each in probe.check_requirements(MADE, requirements, say=lambda _: None)}


def test_each_result_is_told_apart() -> None:
    late = WaitTimeout("waited\n 5 s", name="w", seconds=5, last_state="nothing")
    found = checked(
        requirement(1, Met("there", {"reached": 0.5})),
        requirement(2, NotSupported("not offered"), "r1"),
        requirement(3, ScenarioFailed("cut"), "r1"),
        requirement(4, late),
        requirement(5, Met("never asked"), "r1", "r3"),
        requirement(6, Met("never asked"), "r2"),
        requirement(7, Met("never asked"), "r5"),
    )
    results = ("MET", "NOT_SUPPORTED", "FAILED", "FAILED", "SKIPPED", "SKIPPED", "SKIPPED")
    assert [each.result for each in found.values()] == [RequirementResult[name] for name in results]
    assert found["r1"].seconds == {"reached": 0.5}
    assert found["r4"].detail == "waited 5 s"
    assert [found[name].detail for name in ("r5", "r6", "r7")] == ["after r3", "after r2", "after r5"]


@pytest.mark.parametrize("problem", [ClusterUnreachable("gone"), ValueError("a bug")])
def test_what_says_nothing_of_the_controller_ends_the_probe(problem: Exception) -> None:
    with pytest.raises(type(problem)):
        checked(requirement(1, problem))


def test_the_requirements_are_in_an_order_that_each_can_build_on() -> None:
    every = in_order()
    assert [each.name for each in every] == [
        "address", "tcp-route", "port-mapping", "endpoint-change", "listener-update", "listener-set", "route-removed",
    ]  # fmt: skip
    assert [each.name for each in every if not each.required] == ["listener-set"]
    seen: set[str] = set()
    for each in every:
        assert set(each.depends_on) <= seen
        seen.add(each.name)
    assert len({each.rank for each in every}) == len(every)


@pytest.mark.parametrize(
    ("results", "suitable"),
    [
        (("met", "met", "met"), True),
        (("met", "met", "not supported"), True),
        (("met", "met", "failed"), True),
        (("met", "not supported", "met"), False),
        (("failed", "skipped", "skipped"), False),
    ],
)
def test_it_suits_if_all_that_is_required_is_met(results: tuple[str, ...], suitable: bool) -> None:
    found = [RequirementRecord(f"r{number}", "", number < 2, result, "") for number, result in enumerate(results)]
    assert probe.suits(found) is suitable
