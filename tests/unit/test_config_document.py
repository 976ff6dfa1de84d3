"""Files that are no master configuration at all, and YAML meant to hurt."""

from pathlib import Path

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from task_gateway.config import load, parse
from task_gateway.errors import ConfigError, Problem
from task_gateway.reasons import ConfigRule


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse(text, "m.yaml")
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("- a\n", "m.yaml:1: expected a mapping, found a list"),
        ("a: 1\nb: [\n", "m.yaml:3: is not valid YAML: "),
        ("a: 1\n\tb: 2\n", "m.yaml:2: is not valid YAML: "),
        ("a: 1\n---\nb: 2\n", "m.yaml:2: the master only reads the first document of a file; remove this one"),
        ("a: 1\nb: \x07\n", "m.yaml:2: is not valid YAML: character U+0007 is not allowed"),
        ('a: 1\nb: "\\UFFFFFFFF"\n', "m.yaml:2: is not valid YAML: "),
        ("a: *b\n", "m.yaml:1: is not valid YAML: found undefined alias 'b'"),
        ("a: " + "[" * 1_000_000, "m.yaml:1: is not valid YAML: nested too deeply"),
    ],
)
def test_unreadable_text_is_one_problem_with_its_line(text: str, expected: str) -> None:
    (found,) = problems(text)
    assert expected in found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("db: {a: 1, a: 2}\n", "m.yaml:1: db.a: is given twice; the first is on line 1"),
        ("x:\n- b: 1\n  b: 2\n", "m.yaml:3: x[0].b: is given twice; the first is on line 2"),
        (
            "resource_manager: {}\nresource_manager: {}\n",
            "m.yaml:2: resource_manager: is given twice; the first",
        ),
    ],
)
def test_a_key_given_twice_is_a_problem_anywhere(text: str, expected: str) -> None:
    assert any(found.startswith(expected) for found in problems(text))


def test_anchors_and_merges_are_followed() -> None:
    text = """
defaults: &defaults {gateway_name: gw, gateway_namespace: gw, gateway_ip: 10.0.0.1}
resource_manager:
  type: kubernetes
  internal_task_gateway:
    <<: [*defaults, {gateway_ip: 10.0.0.2, gateway_port_range_end: 40001}]
    gateway_port_range_end: 40000
"""
    gateway = parse(text, "m.yaml").default.internal_task_gateway
    assert gateway is not None
    assert (gateway.gateway_ip, gateway.gateway_port_range_end) == ("10.0.0.1", 40000)


LISTS = "l0: &l0 [x]\n" + "".join(f"l{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 9)}]\n" for i in range(1, 40))
MERGES = "m0: &m0 {type: agent}\n" + "".join(f"m{i}: &m{i} {{<<: [*m{i - 1}, *m{i - 1}]}}\n" for i in range(1, 40))
CHAIN = "m0: &m0 {type: agent}\n" + "".join(f"m{i}: &m{i} {{<<: *m{i - 1}}}\n" for i in range(1, 5000))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (LISTS, "m.yaml: the master rejects so many nested aliases"),
        (MERGES, "m.yaml: the master rejects so many nested aliases"),
        ("resource_manager: &r {<<: [*r]}\n", "m.yaml:1: is not valid YAML: anchor 'r' contains itself"),
        (CHAIN + "resource_manager: *m4999\n", "m.yaml: has too long a chain of <<"),
    ],
)
def test_aliases_that_multiply_or_lead_back_are_refused_at_once(text: str, expected: str) -> None:
    assert expected in problems(text)


def test_an_unknown_key_of_any_content_stays_on_one_line() -> None:
    (found,) = problems(f'resource_manager: {{type: kubernetes, "a\\n\\uD800{"b" * 500}": 1}}\n')
    assert "\n" not in found
    assert len(found.encode("utf-8")) < 1000


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        (b"a: 1\nb: \xff\n", 2, "byte 0xff is not UTF-8; save the file as UTF-8"),
    ],
)
def test_content_that_cannot_be_read(tmp_path: Path, content: bytes, line: int, message: str) -> None:
    file = tmp_path / "m.yaml"
    file.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load(file)
    assert caught.value.problems == (Problem(str(file), line, "", message, ConfigRule.READABLE),)


def test_a_file_that_is_not_there_or_no_file(tmp_path: Path) -> None:
    for path, reason in ((tmp_path / "none", "No such file or directory"), (tmp_path, "Is a directory")):
        with pytest.raises(ConfigError) as caught:
            load(path)
        assert str(caught.value.problems[0]) == f"{path}: cannot be read: {reason}"


def test_a_byte_order_mark_is_no_problem(tmp_path: Path) -> None:
    file = tmp_path / "m.yaml"
    file.write_bytes(b"\xef\xbb\xbfresource_manager: {type: agent}\n")
    assert load(file).default.type == "agent"


keys = st.sampled_from(
    [
        "resource_manager",
        "additional_resource_managers",
        "resource_pools",
        "pool_name",
        "type",
        "name",
        "cluster_name",
        "internal_task_gateway",
        "gateway_name",
        "gateway_ip",
        "gateway_port_range_start",
        "max_slots_per_pod",
    ]
)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.dates() | st.text(max_size=5)
trees = st.recursive(
    scalars | st.just("kubernetes"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys | scalars, inner, max_size=5),
    max_leaves=25,
)


def outcome(text: str) -> tuple[Problem, ...]:
    """Return the problems of a text; anything but a ConfigError comes through."""
    try:
        assert parse(text, "m.yaml").resource_managers
    except ConfigError as error:
        return error.problems or (Problem("m.yaml", 0, "", "\n", ConfigRule.READABLE),)
    return ()


@given(st.text())
@example("%YAML 1" + "1" * 5000 + ".1\n---\n")
@example('"\\ud800": 1')
@example("? [a]\n: b\n<<: c\n")
@example("!!int x: !foo y")
def test_any_text_is_a_configuration_or_a_config_error(text: str) -> None:
    assert all("\n" not in str(problem) for problem in outcome(text))


@given(st.dictionaries(keys, trees, max_size=4))
def test_any_yaml_is_a_configuration_or_a_config_error(tree: object) -> None:
    assert all("\n" not in str(problem) for problem in outcome(yaml.safe_dump(tree)))
