"""The schema check: it names a field that a kind does not have, at any depth, and a kind without a schema."""

from pathlib import Path

import pytest

import schema_check
import schemas
from task_gateway.model import Manifest

LABELS = {"type": "object", "additionalProperties": {"type": "string"}}
PLACE = {
    "type": "object",
    "description": "where it is",
    "properties": {"port": {"type": "integer"}, "labels": LABELS},
}
KIND = {
    "type": "object",
    "properties": {
        "apiVersion": {"type": "string"},
        "kind": {"type": "string"},
        "metadata": {"type": "object"},
        "places": {"type": "array", "items": PLACE},
        "open": {"type": "object", "properties": {}, "x-kubernetes-preserve-unknown-fields": True},
    },
    "anyOf": [{"properties": {"places": {}}}],
}


def test_own_fields_alone_are_taken_at_every_depth() -> None:
    found = schemas.closed(KIND)
    assert found["additionalProperties"] is False
    assert found["properties"]["places"]["items"] == {
        "type": "object",
        "properties": PLACE["properties"],
        "additionalProperties": False,
    }
    assert "additionalProperties" not in found["properties"]["open"]
    assert found["anyOf"] == KIND["anyOf"]  # a part of a kind


@pytest.mark.parametrize(
    ("spec", "wrong"),
    [
        ("places: [{port: 1, labels: {a: b}}]", ""),
        ("places: [{prot: 1}]", "additional properties 'prot' not allowed"),
        ("open: {anything: 1}", ""),
        ("places: [{port: one}]", "got string, want integer"),
    ],
)
def test_an_object_that_does_not_fit_is_named(tmp_path: Path, spec: str, wrong: str) -> None:
    kinds: dict[schemas.Kind, Manifest] = {("v1", "Thing"): schemas.closed(KIND)}
    text = f"apiVersion: v1\nkind: Thing\nmetadata: {{name: one}}\n{spec}\n"
    assert schema_check.kinds(text) == set(kinds)
    valid, problems = schema_check.validate(text, schemas.write(kinds, tmp_path))
    assert (valid, len(problems)) == ((0, 1) if wrong else (1, 0))
    assert all(each.startswith("Thing one: ") and wrong in each for each in problems)


def test_a_kind_without_a_schema_is_no_kind_that_fits(tmp_path: Path) -> None:
    text = "apiVersion: example.com/v1\nkind: Other\nmetadata: {name: one}\n"
    valid, problems = schema_check.validate(text, schemas.write({}, tmp_path))
    assert valid == 0
    assert "could not find schema for Other" in problems[0]


def test_what_a_definition_uses_comes_with_it() -> None:
    found = schemas.of_kubernetes(schemas.releases()[1])["v1", "Service"]
    assert found["$ref"] == "#/definitions/io.k8s.api.core.v1.Service"
    assert "io.k8s.api.core.v1.ServicePort" in found["definitions"]
    assert "io.k8s.api.apps.v1.Deployment" not in found["definitions"]
