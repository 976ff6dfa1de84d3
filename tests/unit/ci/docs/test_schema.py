"""Descriptions of the schema: each comment of values.yaml is set on its property, and nothing else changes."""

import json
from pathlib import Path

import pytest

from docs import schema

VALUES = """# Of the map.
map:
  # Of the "leaf".
  leaf: 3
# Of a list.
list:
    # Of an item's key.
  - name: a
# Values of another chart.
theirs:
  silent: 1
"""
SCHEMA = """{
  "definitions": { "small": { "type": "integer" } },
  "properties": {
    "map": {
      "type": "object",
      "properties": { "leaf": { "$ref": "#/definitions/small" } }
    },
    "list": { "description": "old", "type": "array", "items": { "type": "object", "properties": {
      "name": { "type": "string" }, "more": { "type": "string" }
    } } },
    "theirs": { "properties": { "silent": { "type": "integer" } } }
  }
}
"""


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    (tmp_path / "values.yaml").write_text(VALUES)
    (tmp_path / "values.schema.json").write_text(SCHEMA)
    return tmp_path


def test_every_comment_is_a_description_and_the_text_stays(chart: Path) -> None:
    wanted = SCHEMA.replace('"map": {\n', '"map": {\n      "description": "Of the map.",\n')
    wanted = wanted.replace('{ "$ref": "#', '{ "description": "Of the \\"leaf\\".", "$ref": "#')
    wanted = wanted.replace('"old"', '"Of a list."')
    wanted = wanted.replace('"name": {', '"name": { "description": "Of an item\'s key.",')
    wanted = wanted.replace('"theirs": {', '"theirs": { "description": "Values of another chart.",')
    found = schema.described(chart, foreign="theirs")
    assert found == wanted
    assert json.loads(found)["definitions"] == {"small": {"type": "integer"}}


def test_a_second_run_changes_nothing(chart: Path) -> None:
    (chart / "values.schema.json").write_text(found := schema.described(chart, foreign="theirs"))
    assert schema.described(chart, foreign="theirs") == found


def test_a_value_without_a_comment_is_an_error_with_its_path(chart: Path) -> None:
    with pytest.raises(ValueError, match=r"no comment for theirs\.silent"):
        schema.described(chart)
