"""Templates are filled in after they are parsed: no value can change the structure."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from task_gateway.errors import TemplatesMismatch
from task_gateway.routing.templates import Templates, task_namespaces

TEXT = """
metadata:
  name: gw-task-${PORT}
  labels: {"task": "${TASK}", "port": "${PORT}"}
  annotations:
    owner: "${OWNER}"
spec:
  ports:
    - port: ${PORT}
      protocol: TCP
      optional: true
---
kind: Second
"""
VALUES: dict[str, int | str] = {"PORT": 20000, "TASK": "t-1", "OWNER": "ada"}


def filled(**values: int | str) -> dict[str, object]:
    return Templates({"some.yaml": TEXT}).objects("some", VALUES | values)[0]


def test_the_chart_lists_the_task_namespaces_that_of_slots_first() -> None:
    assert task_namespaces({"data": {"taskNamespaces": "tasks aaa"}}) == ("tasks", "aaa")
    assert task_namespaces({"data": {"version": "2"}}) == (), "of an older chart"
    assert task_namespaces(None) == ()


def test_a_port_is_an_integer_where_it_stands_alone_and_text_in_quotes_and_names() -> None:
    assert filled() == {
        "metadata": {
            "name": "gw-task-20000",
            "labels": {"task": "t-1", "port": "20000"},
            "annotations": {"owner": "ada"},
        },
        "spec": {"ports": [{"port": 20000, "protocol": "TCP", "optional": True}]},
    }
    assert Templates({"some.yaml": TEXT}).objects("some", VALUES)[1] == {"kind": "Second"}


@given(st.text())
def test_any_owner_ends_as_exactly_that_annotation(owner: str) -> None:
    plain = filled()
    shaped = filled(OWNER=owner)
    assert shaped["metadata"]["annotations"] == {"owner": owner}  # type: ignore[index]
    assert shaped["spec"] == plain["spec"]


@pytest.mark.parametrize("value", ["${TASK}", "${NONE}", "}", "\\1", "\\g<0>"])
def test_a_value_is_not_filled_in_again(value: str) -> None:
    assert filled(OWNER=value)["metadata"]["annotations"] == {"owner": value}  # type: ignore[index]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (TEXT, "some.yaml uses 'TASK'"),
        ("a: [", "some.yaml is wrong: .*expected"),
        ("- a list", "some.yaml is wrong: a template of an object is a mapping"),
    ],
)
def test_templates_that_are_not_of_this_harness_are_told(text: str, words: str) -> None:
    with pytest.raises(TemplatesMismatch, match=words) as told:
        Templates({"some.yaml": text}, "ConfigMap a/b").objects("some", {"PORT": 1, "OWNER": ""})
    assert told.value.where == "ConfigMap a/b"


def test_a_template_that_the_chart_does_not_have_is_told() -> None:
    with pytest.raises(TemplatesMismatch, match=r"no task routing template other\.yaml"):
        Templates({"some.yaml": TEXT}).objects("other", VALUES)


@pytest.mark.parametrize(("data", "ends"), [({"tls": "true"}, True), ({"tls": "false"}, False), ({}, False)])
def test_the_chart_tells_whether_a_port_speaks_tls(data: dict[str, str], ends: bool) -> None:
    text = "spec:\n  listeners:\n    - name: slot\n      protocol: TLS\n"
    assert Templates(data | {"slots.yaml": text}).tls is ends
