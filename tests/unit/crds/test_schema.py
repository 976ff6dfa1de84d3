"""A CRD is read and copied by the path of its lists, and never changed in place."""

import copy

from tests.unit.crds.costly import LINEAR, NAMES, PORTS, crd, version

from task_gateway.crds import schema
from task_gateway.model import Manifest

LISTENERS = "spec.listeners"


def nested() -> Manifest:
    """spec.rules[].refs[], and a rule in the inner items that the outer list has too."""
    inner = {"type": "array", "maxItems": 8, "items": {"type": "object", schema.RULES: [{"rule": "a"}, {"rule": "b"}]}}
    outer = {
        "type": "array",
        "maxItems": 16,
        schema.RULES: [{"rule": "a", "message": "said"}],
        "items": {"type": "object", "properties": {"refs": inner, "description": {"type": "string"}}},
    }
    made = crd(version("v1"))
    spec = made["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    spec["properties"] = {"rules": outer}
    return made


def test_lists_inside_lists_have_paths_of_their_own() -> None:
    assert schema.lists(nested(), "v1") == ["spec.rules", "spec.rules.refs"]
    assert schema.lists(nested(), "v2") == []
    assert schema.max_items(nested(), "v1", "spec.rules.refs") == 8
    assert schema.list_at(nested(), "v1", "spec") is None
    assert schema.list_at(nested(), "v1", "status.listeners") is None


def test_a_number_is_written_in_all_versions_or_in_those_named() -> None:
    given = crd(version("v1"), version("v2"), version("v3"))
    before = copy.deepcopy(given)
    every = schema.with_max_items(given, LISTENERS, 7)
    one = schema.with_max_items(given, LISTENERS, 7, only=["v2"])
    assert [schema.max_items(every, each, LISTENERS) for each in ("v1", "v2", "v3")] == [7, 7, 7]
    assert [schema.max_items(one, each, LISTENERS) for each in ("v1", "v2", "v3")] == [64, 7, 64]
    assert given == before


def test_rules_are_left_out_by_their_text_wherever_they_stand() -> None:
    given = nested()
    left = schema.without_texts(given, ["a"])
    assert schema.rules_within(given, "v1", "spec.rules") == ["a", "a", "b"]
    assert schema.rules_within(left, "v1", "spec.rules") == ["b"]


def test_rules_of_a_list_have_texts_and_messages() -> None:
    assert schema.rules(nested(), "v1", "spec.rules") == [schema.CelRule("a", "said")]
    assert schema.rules(nested(), "v1", "spec.other") == []


def test_descriptions_do_not_make_schemas_differ_and_properties_of_that_name_do() -> None:
    given = crd(version("v1", description="one"), version("v2", description="two"))
    assert schema.without_descriptions(given, "v1") == schema.without_descriptions(given, "v2")
    assert "'description'" in repr(schema.without_descriptions(nested(), "v1"))


def test_rules_that_walk_the_list_for_each_of_its_items_are_quadratic() -> None:
    kinds = {text: schema.is_quadratic(schema.CelRule(text, "")) for text in (PORTS, NAMES, LINEAR)}
    assert kinds == {PORTS: True, NAMES: True, LINEAR: False}
    assert not schema.is_quadratic(schema.CelRule("self.size() < 2 || self.all(a, a.x)", ""))


def test_the_bundle_is_that_of_the_annotations() -> None:
    assert schema.bundle(crd()) == ("v9.9.9", "standard")
    assert schema.bundle({"metadata": {"name": "x"}}) == ("", "")
