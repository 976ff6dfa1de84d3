"""The tables of values: names, defaults and comments from values.yaml, types from the schema."""

import json
from pathlib import Path

import pytest

from docs import values as values_page

VALUES = """# Ignored: a blank line stands between.

# Of a map | with a bar.
# In two lines.
map:
  # Of a <leaf>.
  leaf: 3
  none: null
list: [a]
open: {}
"""
SCHEMA = {
    "definitions": {"small": {"type": "integer", "minimum": 1, "maximum": 9}},
    "properties": {
        "map": {
            "type": "object",
            "properties": {"leaf": {"$ref": "#/definitions/small"}, "none": {"type": ["string", "null"]}},
        },
        "list": {"type": "array", "items": {"enum": ["a", "b"]}},
        "open": {"type": "object"},
    },
}


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    (tmp_path / "values.yaml").write_text(VALUES)
    (tmp_path / "values.schema.json").write_text(json.dumps(SCHEMA))
    return tmp_path


def test_each_leaf_and_each_map_with_a_comment_has_a_row(chart: Path) -> None:
    assert values_page.values(chart) == [
        values_page.Value("map", "", "", "Of a map | with a bar. In two lines."),
        values_page.Value("map.leaf", "integer, 1 to 9", "3", "Of a <leaf>."),
        values_page.Value("map.none", "string or null", "null", ""),
        values_page.Value("list", "list of `a` or `b`", '["a"]', ""),
        values_page.Value("open", "map", "{}", ""),
    ]


def test_the_keys_of_an_item_follow_their_list_without_a_default(chart: Path) -> None:
    (chart / "values.yaml").write_text("# Of a list.\nlist:\n    # Of a key.\n  - name: a\n    silent: b\n")
    names = {"name": {"type": "string"}, "silent": {"type": "string"}}
    items = {"type": ["array", "object"], "items": {"type": "object", "properties": names}}
    (chart / "values.schema.json").write_text(json.dumps({"properties": {"list": items}}))
    assert values_page.values(chart) == [
        values_page.Value("list", "list of map", '[{"name": "a", "silent": "b"}]', "Of a list."),
        values_page.Value("list[].name", "string", "", "Of a key."),
    ]


def test_the_table_is_markdown_that_its_words_do_not_break(chart: Path) -> None:
    rows = values_page.table(chart).splitlines()
    assert rows[2] == "| `map` |  |  | Of a map \\| with a bar. In two lines. |"
    assert rows[3] == "| `map.leaf` | integer, 1 to 9 | `3` | Of a &lt;leaf>. |"


def test_a_value_without_schema_is_an_error_with_its_path(chart: Path) -> None:
    (chart / "values.yaml").write_text("map:\n  lost: 1\n")
    with pytest.raises(ValueError, match=r"map\.lost is missing"):
        values_page.values(chart)
