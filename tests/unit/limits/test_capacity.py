"""The ladder: the least limit that applies is the capacity, whatever the order."""

import pytest

from task_gateway.errors import Forbidden
from task_gateway.kube.client import Kube
from task_gateway.limits.base import LIMITS, Finding, Found, Rule, Scope
from task_gateway.limits.capacity import ladder, look
from task_gateway.limits.services import usable
from task_gateway.limits.site import Site
from task_gateway.limits.target import Target
from task_gateway.model import InternalTaskGateway, Limit, Manifest, ResourceManager


def limit(id: str, tasks: int | None) -> Limit:
    return Limit(id, "", tasks, tasks, "range", "read", "")


def test_the_ladder_goes_up_and_ends_with_what_does_not_apply() -> None:
    rungs = ladder([limit("c", None), limit("b", 5), limit("a", None), limit("d", 0), limit("e", 5)])
    assert [each.id for each in rungs] == ["d", "b", "e", "a", "c"]


def test_without_a_gateway_there_is_no_capacity(kube: Kube) -> None:
    seen = look(Target(ResourceManager("home", "home"), kube))
    assert (seen.strategy, seen.capacity, seen.headroom, seen.binding, seen.limits) == ("direct", None, None, None, ())


def test_what_may_not_be_read_limits_nothing_and_is_named(kube: Kube) -> None:
    def look_in_vain(_site: Site) -> Finding:
        raise Forbidden("no", where="v1/Node")

    gateway = InternalTaskGateway("gw", "ns", "192.0.2.7", 2000, 2009)
    site = Site(Target(ResourceManager("east", "east", internal_task_gateway=gateway), kube))
    seen = Rule("nodes", "nodes", Scope.CLUSTER, look_in_vain).at(site)
    assert (seen.value, seen.tasks, seen.raise_) == (None, None, "unknown: v1/Node may not be read")


def test_a_finding_keeps_its_note(kube: Kube) -> None:
    gateway = InternalTaskGateway("gw", "ns", "192.0.2.7", 2000, 2009)
    site = Site(Target(ResourceManager("east", "east", internal_task_gateway=gateway), kube))
    rule = Rule("x", "things", Scope.RANGE, lambda _site: Finding(3, 2, Found.READ, "more", "1 of others"))
    assert rule.at(site) == Limit("x", "things (1 of others)", 3, 2, "range", "read", "more")


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
def test_what_a_quota_leaves(target: Target, hard: dict[str, str], used: dict[str, str], left: int | None) -> None:
    site = Site(target, "listeners")
    vars(site).update(quotas=[{"metadata": {"name": "q"}, "status": {"hard": hard, "used": used}}], namespaces=("ns",))
    vars(site).update(listeners=[])
    found = LIMITS.get("quota-services").at(site)
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
    target: Target, quotas: dict[str, list[Manifest]], left: int | None, raised: str, note: str
) -> None:
    site = Site(target, "listeners")
    vars(site).update(namespaces=tuple(quotas), listeners=[])
    spaces = tuple(site.within(each) for each in quotas)
    for space in spaces:
        vars(space).update(quotas=quotas[space.namespace])
    vars(site).update(spaces=spaces)
    found = LIMITS.get("quota-services").at(site)
    assert (found.value, found.tasks) == (left, left)
    assert found.raise_ == f"the ResourceQuota in namespace {raised}"
    assert found.description == LIMITS.get("quota-services").description + (f" ({note})" if note else "")


def test_a_quota_that_may_not_be_read_leaves_an_unknown_number(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_kube: Kube, kind: str, namespace: str | None = None, _labels: str = "") -> list[Manifest]:
        raise Forbidden("no", where=f"{kind} in namespace {namespace}")

    monkeypatch.setattr(Kube, "list", refuse)
    site = Site(target, "listeners")
    vars(site).update(namespaces=("a", "b"), listeners=[])
    found = LIMITS.get("quota-services").at(site)
    assert (found.value, found.raise_) == (None, "unknown: v1/ResourceQuota in namespace a may not be read")


def test_no_limit_is_below_0(target: Target) -> None:
    rule = Rule("x", "things", Scope.RANGE, lambda _site: Finding(-8, -1, Found.READ, "more"))
    assert (rule.at(Site(target)).value, rule.at(Site(target)).tasks) == (0, 0)
