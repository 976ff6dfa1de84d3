"""The probe only sends dry runs, finds the exact number, and reports the cost of each rule."""

from typing import Any, cast

import pytest
from tests.unit.crds.costly import COSTS, LINEAR, NAMES, PORTS, CostlyServer, crd, version

from task_gateway.crds import probe, schema
from task_gateway.errors import ApiError, UsageError
from task_gateway.kube.client import Kube
from task_gateway.model import CelVariant, Manifest

LISTENERS = "spec.listeners"


@pytest.fixture
def server() -> CostlyServer:
    return CostlyServer()


def kube(server: object) -> Kube:
    return cast(Kube, server)


def test_the_number_is_exact_and_takes_four_requests(server: CostlyServer) -> None:
    found = probe.largest(kube(server), crd(version("v1", NAMES, PORTS)), LISTENERS)
    assert (found.accepted, found.binding, found.requests, found.at_least) == (213, PORTS, 4, False)
    assert server.numbers == [64, 1024, 213, 214]
    assert [(each.max_items, each.factor) for each in found.points] == [
        (64, None),
        (1024, 23.1),
        (213, None),
        (214, 1.007649),
    ]
    assert found.costly == (PORTS, NAMES)


def test_without_rules_nothing_refuses(server: CostlyServer) -> None:
    found = probe.largest(kube(server), crd(version("v1")), LISTENERS)
    assert (found.accepted, found.binding, found.at_least) == (probe.CEILING, "", True)


def test_a_list_without_a_bound_gets_one(server: CostlyServer) -> None:
    found = probe.largest(kube(server), crd(version("v1", PORTS, max_items=None)), LISTENERS)
    assert (found.accepted, server.numbers[0]) == (213, probe.FIRST)


def test_what_is_asked_is_the_crd_without_what_the_server_wrote(server: CostlyServer) -> None:
    asked = crd(version("v1", PORTS))
    before = repr(asked)
    assert probe.ask(kube(server), asked, LISTENERS, 200) is None
    assert repr(asked) == before
    sent = server.asked[0]
    assert set(sent) == {"apiVersion", "kind", "metadata", "spec"}
    assert set(sent["metadata"]) == {"name", "annotations"}


def test_a_schema_is_never_the_one_that_the_server_has(server: CostlyServer) -> None:
    asked = crd(version("v1", PORTS))
    probe.ask(kube(server), asked, LISTENERS, 64)
    sent = server.asked[0]["spec"]["versions"][0]
    assert sent["schema"]["openAPIV3Schema"]["description"] == probe.MARK, "or its cost would be forgiven"


def test_a_refusal_says_the_rule(server: CostlyServer) -> None:
    refusal = probe.ask(kube(server), crd(version("v1", NAMES, PORTS)), LISTENERS, 214)
    assert refusal is not None
    assert (refusal.rule, refusal.factor) == (PORTS, 1.007649)


def test_the_variants_tell_what_each_rule_costs(server: CostlyServer) -> None:
    reports = probe.probe(kube(server), crd(version("v1", LINEAR, NAMES, PORTS)))
    assert reports[0].variants == (
        CelVariant((PORTS,), 304),
        CelVariant((NAMES,), 213),
        CelVariant((PORTS, NAMES), 476190),
    )


def test_a_linear_rule_is_left_out_too_and_then_nothing_refuses(server: CostlyServer) -> None:
    reports = probe.probe(kube(server), crd(version("v1", LINEAR)))
    assert (reports[0].accepted_max_items, reports[0].binding_rule) == (476190, LINEAR)
    assert reports[0].variants == (CelVariant((LINEAR,), probe.CEILING, at_least=True),)


def test_a_crd_without_costly_rules_has_no_variants(server: CostlyServer) -> None:
    assert probe.probe(kube(server), crd(version("v1")))[0].variants == ()


def test_versions_with_equal_schemas_are_asked_about_together(server: CostlyServer) -> None:
    both = crd(version("v1", PORTS, description="one"), version("v2", PORTS, description="two"))
    reports = probe.probe(kube(server), both)
    assert [(each.version, each.accepted_max_items) for each in reports] == [("v1", 213), ("v2", 213)]
    assert [schema.max_items(each, "v2", LISTENERS) for each in server.asked[:4]] == [64, 1024, 213, 214]


def test_versions_with_different_rules_have_different_numbers(server: CostlyServer) -> None:
    reports = probe.probe(kube(server), crd(version("v1", NAMES), version("v2", PORTS), version("v3", NAMES)))
    assert [(each.version, each.accepted_max_items) for each in reports] == [("v1", 304), ("v2", 213), ("v3", 304)]


def test_all_versions_together_have_the_least(server: CostlyServer) -> None:
    found = probe.largest(kube(server), crd(version("v1", NAMES), version("v2", PORTS)), LISTENERS)
    assert (found.accepted, found.binding) == (213, PORTS)


def test_another_version_over_its_budget_does_not_speak_for_this_one(server: CostlyServer) -> None:
    mixed = crd(version("v1", NAMES), version("v2", PORTS, max_items=500))
    reports = probe.probe(kube(server), mixed)
    assert [(each.version, each.accepted_max_items) for each in reports] == [("v1", 304), ("v2", 213)]


def test_a_report_says_where_its_crd_is_from(server: CostlyServer) -> None:
    report = probe.probe(kube(server), crd(version("v1", PORTS, max_items=32)))[0]
    assert (report.bundle, report.channel, report.crd) == ("v9.9.9", "standard", schema.GATEWAYS)
    assert (report.path, report.declared_max_items, report.runtime_max_items) == (LISTENERS, 32, None)


def test_a_curve_has_more_points_and_no_more_requests(server: CostlyServer) -> None:
    plain = probe.probe(kube(server), crd(version("v1", PORTS)))[0]
    curved = probe.probe(kube(server), crd(version("v1", PORTS)), curve=True)[0]
    assert plain.requests == curved.requests == 4
    assert len(curved.points) == 4 + len(probe.CURVE)
    assert all(point.factor is not None for point in curved.points[4:])


def test_a_list_that_is_not_there_is_answered_with_those_that_are(server: CostlyServer) -> None:
    with pytest.raises(UsageError, match=r"no list at spec\.rules") as caught:
        probe.probe(kube(server), crd(version("v1", PORTS)), "spec.rules")
    assert caught.value.hint == "--path with one of: spec.listeners"
    assert server.asked == []


def test_a_crd_without_lists_says_so(server: CostlyServer) -> None:
    bare = crd(version("v1"))
    del bare["spec"]["versions"][0]["schema"]
    with pytest.raises(UsageError) as caught:
        probe.largest(kube(server), bare, LISTENERS)
    assert caught.value.hint == "it has no lists"


def test_a_crd_that_is_refused_at_any_length_is_an_error(server: CostlyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(COSTS, LINEAR, lambda _: 30_000_000)
    with pytest.raises(UsageError, match="even with maxItems 1") as caught:
        probe.largest(kube(server), crd(version("v1", LINEAR)), LISTENERS)
    assert caught.value.hint == f"the rule: {LINEAR}"


def test_other_refusals_end_the_search() -> None:
    class Broken:
        def apply(self, obj: Manifest, **_: Any) -> Manifest:
            raise ApiError("etcd is slow", status=500)

    with pytest.raises(ApiError, match="etcd is slow"):
        probe.largest(kube(Broken()), crd(version("v1", PORTS)), LISTENERS)
