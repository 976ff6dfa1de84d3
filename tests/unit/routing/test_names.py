"""Names that the chart and routing share."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from task_gateway.errors import UsageError
from task_gateway.routing import names

# What the API server accepts as a label value.
LABEL_VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")


@pytest.mark.parametrize("task_id", ["a", "7", "notebook-1", "Trial_9", "a" * 63])
def test_task_id_is_accepted(task_id: str) -> None:
    assert names.check_task_id(task_id) == task_id


@pytest.mark.parametrize("task_id", ["", "a" * 64, "-a", "a-", "released.32768", "a.b", "a b", "a\n", "ä", "a/b"])
def test_task_id_is_refused(task_id: str) -> None:
    with pytest.raises(UsageError, match="cannot be a task id") as caught:
        names.check_task_id(task_id)
    assert caught.value.exit_code == 2
    assert "letters" in str(caught.value.hint)


@given(st.text(alphabet=st.sampled_from("aZ09-_. /é"), max_size=70))
def test_accepted_task_ids_are_label_values(text: str) -> None:
    valid = 0 < len(text) <= 63 and "." not in text and LABEL_VALUE.fullmatch(text) is not None
    try:
        names.check_task_id(text)
    except UsageError:
        assert not valid
    else:
        assert valid


@given(st.integers(1025, 65535))
def test_released_is_a_label_value_that_no_task_has(port: int) -> None:
    value = names.released(port)
    assert LABEL_VALUE.fullmatch(value)
    with pytest.raises(UsageError):
        names.check_task_id(value)


def test_selector_and_templates() -> None:
    assert names.slots_selector("gw", "gateways") == (
        "task-gateway.dev/gateway=gw,task-gateway.dev/gateway-namespace=gateways,task-gateway.dev/slot"
    )
    assert names.templates("gw") == "gw-task-routing-templates"
