"""A check of several task namespaces: each is looked at, and each finding says where it is."""

from collections.abc import Callable

import pytest

from task_gateway.checks import run
from task_gateway.checks.base import Result, Rule, Trouble
from task_gateway.errors import Forbidden
from task_gateway.limits.site import Site
from task_gateway.model import Manifest

Make = Callable[..., Site]
Outcome = Trouble | Forbidden | None
FORBIDDEN = Forbidden("no", where="v1/Pod aaa")


def result(site: Site, **outcomes: Outcome) -> tuple[str, str, str]:
    def look(space: Site) -> Trouble | None:
        outcome = outcomes[space.namespace]
        if isinstance(outcome, Forbidden):
            raise outcome
        return outcome

    made = run._look(Rule("ITG0506", "routing", "so", "fix {tasks}", "", look=look, each_namespace=True), site)
    return made.result, made.message, made.fix


@pytest.mark.parametrize(
    ("tasks", "aaa", "expected"),
    [
        (None, None, (Result.OK, "", "")),
        (None, Trouble("x", warning=True), (Result.WARNING, "namespace aaa: x", "fix aaa")),
        (Trouble("w", warning=True), Trouble("e"), (Result.ERROR, "namespace tasks: w; namespace aaa: e", "fix aaa")),
        (Trouble("e", fix="own"), FORBIDDEN, (Result.ERROR, "namespace tasks: e", "own")),
        (None, FORBIDDEN, (Result.SKIPPED, "since v1/Pod aaa may not be read", "")),
    ],
)
def test_findings_of_all_namespaces_are_one_result(
    site: Make, tasks: Outcome, aaa: Outcome, expected: tuple[str, str, str]
) -> None:
    found = site(namespaces=("tasks", "aaa"), namespace="tasks", strategy="slots", gateway_object=None)
    assert result(found, tasks=tasks, aaa=aaa) == expected


def service(namespace: str, port: int) -> Manifest:
    labels = {"task-gateway.dev/slot": str(port)}
    meta = {"name": f"gw-slot-{port}", "namespace": namespace, "resourceVersion": "1", "labels": labels}
    return {"metadata": meta, "spec": {"ports": [{"port": port}]}}


def test_a_namespace_has_only_its_own_slots_and_the_gateway_has_all(site: Make) -> None:
    services = [service("tasks", 2000), service("tasks", 2001), service("aaa", 2002)]
    found = site(namespaces=("tasks", "aaa"), strategy="slots", _slot_services=services)
    assert [slot.port for slot in found.slots] == [2000, 2001, 2002]
    assert [[slot.port for slot in space.slots] for space in found.spaces] == [[2000, 2001], [2002]]
    assert [space.namespace for space in found.spaces] == ["tasks", "aaa"]


def test_a_namespace_with_slots_that_the_chart_does_not_list_comes_last(site: Make) -> None:
    assert site(_slot_services=[service("zzz", 2002), service("ns", 2000)]).namespaces == ("ns", "zzz")
