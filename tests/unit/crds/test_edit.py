"""The changed CRD as a document, and the Gateways that prevent a change."""

import copy

import pytest

from task_gateway.crds import edit, schema
from task_gateway.model import Manifest

UNIQUE = {"rule": "self.all(l1, self.exists_one(l2, l1.name == l2.name))", "message": "names are unique"}
LINEAR = {"rule": "self.all(l, l.protocol != 'TCP' || !has(l.tls))", "message": "no tls"}


def version(name: str, spec: int | None, status: int | None, *rules: Manifest) -> Manifest:
    def listeners(bound: int | None, *rules: Manifest) -> Manifest:
        node: Manifest = {"type": "array", "items": {"type": "object"}}
        if bound is not None:
            node["maxItems"] = bound
        if rules:
            node[schema.RULES] = list(rules)
        return {"type": "object", "properties": {"listeners": node, "other": {"type": "array", "maxItems": 64}}}

    properties = {"spec": listeners(spec, *rules), "status": listeners(status)}
    return {"name": name, "served": True, "schema": {"openAPIV3Schema": {"type": "object", "properties": properties}}}


def crd(*versions: Manifest, **metadata: Manifest) -> Manifest:
    return {
        "metadata": {"name": schema.GATEWAYS, "resourceVersion": "7", **metadata},
        "spec": {"versions": list(versions)},
    }


def bounds(changed: Manifest) -> list[tuple[int | None, int | None]]:
    paths = (schema.SPEC_LISTENERS, schema.STATUS_LISTENERS)
    return [tuple(schema.max_items(changed, each, path) for path in paths) for each in schema.versions(changed)]  # type: ignore[misc]


def test_spec_and_status_of_every_version_are_raised_and_the_given_document_is_left_alone() -> None:
    given = crd(version("v1", 64, 64, UNIQUE, LINEAR), version("v1beta1", 150, 64, UNIQUE))
    before = copy.deepcopy(given)
    changed = edit.raised(given, 213, drop=False)
    assert bounds(changed) == [(213, 213), (213, 213)]
    assert given == before
    assert schema.rules(changed, "v1", schema.SPEC_LISTENERS) == schema.rules(given, "v1", schema.SPEC_LISTENERS)
    assert schema.max_items(changed, "v1", "spec.other") == 64


def test_a_list_without_a_bound_gets_one() -> None:
    assert bounds(edit.raised(crd(version("v1", None, None)), 100, drop=False)) == [(100, 100)]


def test_only_rules_of_quadratic_cost_are_dropped() -> None:
    given = crd(version("v1", 64, 64, UNIQUE, LINEAR), version("v1beta1", 64, 64, UNIQUE))
    assert edit.has_quadratic_rules(given)
    changed = edit.raised(given, 64, drop=True)
    assert [len(schema.rules(changed, each, schema.SPEC_LISTENERS)) for each in ("v1", "v1beta1")] == [1, 0]
    assert schema.rules(changed, "v1", schema.SPEC_LISTENERS)[0].text == LINEAR["rule"]
    assert not edit.has_quadratic_rules(changed)


def test_one_version_with_such_a_rule_is_enough() -> None:
    given = crd(version("v1", 64, 64, LINEAR), version("v1beta1", 64, 64, UNIQUE))
    assert edit.has_quadratic_rules(given)
    assert [edit.quadratic_rules(given, each) for each in ("v1", "v1beta1")] == [0, 1]


def test_the_patch_names_nothing_but_the_versions_and_what_they_were_read_from() -> None:
    live = crd(version("v1", 64, 64), labels={"team": "a"}, annotations={"note": "b"})
    applied = edit.patch(live, [version("v1", 100, 100)])
    assert applied["metadata"] == {"name": schema.GATEWAYS, "resourceVersion": "7"}
    assert applied["spec"] == {"versions": [version("v1", 100, 100)]}


@pytest.mark.parametrize(
    ("first", "second", "least"), [(64, 213, 64), (213, 64, 64), (None, 100, 100), (None, None, None)]
)
def test_allowed_is_the_least_of_the_versions(first: int | None, second: int | None, least: int | None) -> None:
    assert edit.allowed(crd(version("v1", first, 64), version("v1beta1", second, 64))) == least


def test_gateways_above_a_number_are_named_with_their_listeners() -> None:
    def gateway(name: str, count: int) -> Manifest:
        return {"metadata": {"namespace": "ns", "name": name}, "spec": {"listeners": [{}] * count}}

    assert edit.above([gateway("a", 64), gateway("b", 65), gateway("c", 200)], 64) == ["ns/b (65)", "ns/c (200)"]
    assert edit.above([{"metadata": {"namespace": "ns", "name": "none"}, "spec": {}}], 64) == []


@pytest.mark.parametrize(
    ("metadata", "release"),
    [
        ({}, None),
        ({"labels": {edit.MANAGED_BY: "kubectl"}}, None),
        ({"labels": {edit.MANAGED_BY: "Helm"}}, "?/?"),
        ({"annotations": {edit.RELEASE: "crds", edit.RELEASE_NAMESPACE: "system"}}, "system/crds"),
    ],
)
def test_the_helm_release_is_read_from_what_helm_writes(metadata: Manifest, release: str | None) -> None:
    assert edit.helm_release(crd(version("v1", 64, 64), **metadata)) == release


def test_managed_fields_of_one_manager_are_left_out() -> None:
    fields = [{"manager": "helm"}, {"manager": "task-gateway"}, {"manager": "kubectl"}]
    live = {"metadata": {"managedFields": fields}}
    assert edit.without_manager(live, "task-gateway") == [{"manager": "helm"}, {"manager": "kubectl"}]
    assert edit.without_manager({"metadata": {}}, "task-gateway") == []
