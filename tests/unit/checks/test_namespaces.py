"""A check of several task namespaces: all are checked, and each finding names its namespace."""

from collections.abc import Callable

import pytest
from tests.unit.memory import slot

from task_gateway.checks import run
from task_gateway.checks.base import CheckResult, CheckRule, Finding
from task_gateway.errors import Forbidden
from task_gateway.inventory.snapshot import GatewaySnapshot

Make = Callable[..., GatewaySnapshot]
Outcome = Finding | Forbidden | None
FORBIDDEN = Forbidden("no", where="v1/Pod aaa")


def result(snapshot: GatewaySnapshot, **outcomes: Outcome) -> tuple[str, str, str]:
    def look(space: GatewaySnapshot) -> Finding | None:
        outcome = outcomes[space.namespace]
        if isinstance(outcome, Forbidden):
            raise outcome
        return outcome

    made = run._run_check(
        CheckRule("ITG0506", "routing", "so", "fix {tasks}", "", find=look, each_namespace=True), snapshot
    )
    return made.result, made.message, made.fix


@pytest.mark.parametrize(
    ("tasks", "aaa", "expected"),
    [
        (None, None, (CheckResult.OK, "", "")),
        (None, Finding("x", warning=True), (CheckResult.WARNING, "namespace aaa: x", "fix aaa")),
        (
            Finding("w", warning=True),
            Finding("e"),
            (CheckResult.ERROR, "namespace tasks: w; namespace aaa: e", "fix aaa"),
        ),
        (Finding("e", fix="own"), FORBIDDEN, (CheckResult.ERROR, "namespace tasks: e", "own")),
        (None, FORBIDDEN, (CheckResult.SKIPPED, "because v1/Pod aaa may not be read", "")),
    ],
)
def test_findings_of_all_namespaces_are_one_result(
    snapshot: Make, tasks: Outcome, aaa: Outcome, expected: tuple[str, str, str]
) -> None:
    found = snapshot("slots", namespaces=("tasks",), slots=[slot(2000, namespace="aaa")])
    assert result(found, tasks=tasks, aaa=aaa) == expected


def test_a_namespace_has_only_its_own_slots_and_the_gateway_has_all(snapshot: Make) -> None:
    services = [slot(2000, namespace="tasks"), slot(2001, namespace="tasks"), slot(2002, namespace="aaa")]
    found = snapshot("slots", namespaces=("tasks",), slots=services)
    assert [slot.port for slot in found.slots] == [2000, 2001, 2002]
    assert [[slot.port for slot in space.slots] for space in found.spaces] == [[2000, 2001], [2002]]
    assert [space.namespace for space in found.spaces] == ["tasks", "aaa"]


def test_a_namespace_with_slots_that_the_chart_does_not_list_comes_last(snapshot: Make) -> None:
    services = [slot(2002, namespace="zzz"), slot(2001, namespace="aaa"), slot(2000, namespace="tasks")]
    found = snapshot(namespaces=("ns",), chart={"taskNamespaces": "tasks"}, slots=services)
    assert found.namespaces == ("ns", "tasks", "aaa", "zzz")
