"""The ladder: the lowest limit that applies is the capacity, in any order."""

from collections.abc import Callable

import pytest
from tests.unit.memory import QUOTA, Memory

from task_gateway.errors import Forbidden
from task_gateway.inventory.snapshot import GatewaySnapshot
from task_gateway.inventory.target import GatewayTarget
from task_gateway.limits.base import LIMITS, LimitRule, LimitValue, Origin, Scope
from task_gateway.limits.capacity import assess_target, ladder
from task_gateway.limits.services import usable
from task_gateway.model import Limit, Manifest, ResourceManager

Make = Callable[..., GatewaySnapshot]


def limit(id: str, tasks: int | None) -> Limit:
    return Limit(id, "", tasks, tasks, "range", "read", "")


def test_the_ladder_goes_up_and_ends_with_what_does_not_apply() -> None:
    rungs = ladder([limit("c", None), limit("b", 5), limit("a", None), limit("d", 0), limit("e", 5)])
    assert [each.id for each in rungs] == ["d", "b", "e", "a", "c"]


def test_without_a_gateway_there_is_no_capacity(memory: Memory) -> None:
    seen = assess_target(GatewayTarget(ResourceManager("home", "home"), memory))
    assert (seen.strategy, seen.capacity, seen.headroom, seen.binding, seen.limits) == ("direct", None, None, None, ())


def test_what_may_not_be_read_limits_nothing_and_is_named(target: GatewayTarget) -> None:
    def look_in_vain(_snapshot: GatewaySnapshot) -> LimitValue:
        raise Forbidden("no", where="v1/Node")

    seen = LimitRule("nodes", "nodes", Scope.CLUSTER, look_in_vain).limit_at(GatewaySnapshot(target))
    assert (seen.value, seen.tasks, seen.raise_) == (None, None, "unknown: v1/Node may not be read")


def test_a_finding_keeps_its_note(target: GatewayTarget) -> None:
    rule = LimitRule("x", "things", Scope.RANGE, lambda _snapshot: LimitValue(3, 2, Origin.READ, "more", "1 of others"))
    assert rule.limit_at(GatewaySnapshot(target)) == Limit("x", "things (1 of others)", 3, 2, "range", "read", "more")


@pytest.mark.parametrize(
    ("cidr", "addresses"), [("10.96.0.0/16", 65534), ("10.96.0.0/29", 6), ("fd00::/120", 255), ("10.0.0.1/32", 0)]
)
def test_addresses_of_a_service_range(cidr: str, addresses: int) -> None:
    assert usable(cidr) == addresses


@pytest.mark.parametrize(
    ("hard", "used", "left"),
    [
        ({"services": "1G"}, {"services": "8"}, 999_999_992),
        ({"services": "0"}, {"services": "8"}, 0),
        ({"services": "10", "count/services": "9"}, {"services": "8", "count/services": "8"}, 1),
        ({"count/services": "5e1"}, {}, 50),
        ({"services": "much"}, {"services": "8"}, None),
        ({"pods": "1"}, {"pods": "1"}, None),
    ],
)
def test_what_a_quota_leaves(snapshot: Make, hard: dict[str, str], used: dict[str, str], left: int | None) -> None:
    quota = {"metadata": {"name": "q"}, "status": {"hard": hard, "used": used}}
    found = LIMITS.get("quota-services").limit_at(snapshot("listeners", quotas=[quota]))
    assert (found.value, found.tasks) == (left, left)
    assert ("cannot be read: q: 'much'" in found.description) is ("much" in hard.values())


def quota(left: int) -> Manifest:
    return {"metadata": {"name": "q"}, "status": {"hard": {"services": str(left + 2)}, "used": {"services": "2"}}}


@pytest.mark.parametrize(
    ("quotas", "left", "raised", "note"),
    [
        ({"a": [quota(7)], "b": [quota(3), quota(9)]}, 3, "b", "the least of 2 namespaces: b"),
        ({"a": [quota(0)], "b": [quota(3)]}, 0, "a", "the least of 2 namespaces: a"),
        ({"a": [], "b": [quota(5)]}, 5, "b", "the least of 2 namespaces: b"),
        ({"a": [], "b": []}, None, "a, b", "no quota"),
        ({"b": [quota(5)]}, 5, "b", ""),
    ],
)
def test_the_least_of_all_task_namespaces_counts(
    snapshot: Make, quotas: dict[str, list[Manifest]], left: int | None, raised: str, note: str
) -> None:
    first, *others = quotas
    placed = [each | {"metadata": {"name": "q", "namespace": where}} for where in quotas for each in quotas[where]]
    chart = {"taskNamespaces": " ".join(others)}
    found = LIMITS.get("quota-services").limit_at(
        snapshot("listeners", namespaces=(first,), chart=chart, quotas=placed)
    )
    assert (found.value, found.tasks) == (left, left)
    assert found.raise_ == f"the ResourceQuota in namespace {raised}"
    assert found.description == LIMITS.get("quota-services").description + (f" ({note})" if note else "")


def test_a_quota_that_may_not_be_read_leaves_an_unknown_number(snapshot: Make, memory: Memory) -> None:
    memory.refused.add(QUOTA)
    made = snapshot("listeners", kube=memory, namespaces=("a",), chart={"taskNamespaces": "b"})
    found = LIMITS.get("quota-services").limit_at(made)
    assert (found.value, found.raise_) == (None, "unknown: v1/ResourceQuota in namespace a may not be read")


def test_no_limit_is_below_0(target: GatewayTarget) -> None:
    rule = LimitRule("x", "things", Scope.RANGE, lambda _snapshot: LimitValue(-8, -1, Origin.READ, "more"))
    assert (rule.limit_at(GatewaySnapshot(target)).value, rule.limit_at(GatewaySnapshot(target)).tasks) == (0, 0)
