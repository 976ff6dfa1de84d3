"""A file is read as the master reads it: master_reader.json has what the reader of Determined 0.38.1 made of each text.

`refused` marks what it refuses, `stricter` what it takes and the check refuses on purpose.
"""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from task_gateway.config import parse
from task_gateway.config.block import entries_of
from task_gateway.config.document import Document, value_of
from task_gateway.errors import ConfigError
from task_gateway.model import ResourceManager

TABLE = json.loads(Path(__file__).with_name("master_reader.json").read_text("utf-8"), parse_int=float)


def plain(node: yaml.Node | None) -> Any:
    """Return a node as JSON: objects, arrays and scalars; JSON has one kind of number."""
    if isinstance(node, yaml.MappingNode):
        return {key: plain(value) for key, (_, value) in entries_of(node).items()}
    if isinstance(node, yaml.SequenceNode):
        return [plain(item) for item in node.value]
    value = None if node is None else value_of(node)
    return float(value) if type(value) is int else value


def read(text: str) -> Any:
    document = Document(text, "m.yaml")
    assert not document.problems, text
    return plain(document.root)


def managers(text: str) -> list[list[Any]]:
    return [_manager(each) for each in parse(text, "m.yaml").resource_managers]


def _manager(manager: ResourceManager) -> list[Any]:
    gateway = manager.internal_task_gateway
    pools = [pool.pool_name for pool in manager.resource_pools]
    return [manager.type, manager.cluster_name, gateway and list(vars(gateway).values()), pools]


def test_the_table_is_large_enough() -> None:
    assert len(TABLE["documents"]) > 250
    assert len(TABLE["configurations"]) > 100


@pytest.mark.parametrize("row", TABLE["documents"], ids=lambda row: repr(row["text"])[:40])
def test_document(row: dict[str, Any]) -> None:
    if "master" in row and not row.get("stricter"):
        # As text, because 1.0 == True.
        assert json.dumps(read(row["text"]), sort_keys=True) == json.dumps(row["master"], sort_keys=True)
        return
    with pytest.raises(ConfigError):
        parse(row["text"], "m.yaml")


@pytest.mark.parametrize("row", TABLE["configurations"], ids=lambda row: repr(row["text"])[-40:])
def test_configuration(row: dict[str, Any]) -> None:
    if "master" in row and not row.get("stricter"):
        assert managers(row["text"]) == row["master"]
        return
    with pytest.raises(ConfigError):
        parse(row["text"], "m.yaml")


leaves = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text("ab:# ,-'\"\t[]{}y1", max_size=6)
trees = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abcy", max_size=3), inner, max_size=3)
)


@given(trees, st.booleans())
def test_json_is_read_as_json_however_it_is_indented(tree: object, tabs: bool) -> None:
    assert read(json.dumps(tree, indent="\t" if tabs else None)) == tree


@given(trees, st.booleans())
def test_yaml_without_odd_words_is_read_as_by_any_reader(tree: object, flow: bool) -> None:
    text = yaml.safe_dump(tree, default_flow_style=flow)
    if "y" not in text and ":1" not in text:
        assert read(text) == yaml.safe_load(text) == tree


@given(st.dictionaries(st.text("abc", min_size=1, max_size=3), st.sampled_from(["tg", "'a b'", "7", "[1, 2]"])))
def test_a_tab_after_a_value_or_before_it_changes_nothing(pairs: dict[str, str]) -> None:
    spaces = "".join(f"{key}: {value} \n" for key, value in pairs.items())
    assert read(spaces.replace(": ", ":\t").replace(" \n", "\t# note\n")) == read(spaces)
