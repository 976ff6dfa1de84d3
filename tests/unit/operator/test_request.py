"""The request in a label, the ports that an administrator allows, and pods that other clients wrote."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit import foreign
from tests.unit.operator.simulation import FIRST, made

from task_gateway.errors import UsageError
from task_gateway.model import Manifest
from task_gateway.operator import pods
from task_gateway.operator.request import ALL, ExposeReason, allowed, requested
from task_gateway.routing import names


@pytest.mark.parametrize(
    ("label", "numbers", "problem"),
    [
        ("8888", [8888], None),
        ("8888.6006", [8888, 6006], None),
        ("http.board.9000", [8888, 6006, 9000], None),
        ("", [], ExposeReason.INVALID_PORT),
        ("8888.", [8888], ExposeReason.INVALID_PORT),
        ("0", [], ExposeReason.INVALID_PORT),
        ("65536", [], ExposeReason.INVALID_PORT),
        ("99999999999999999999", [], ExposeReason.INVALID_PORT),
        ("none", [], ExposeReason.INVALID_PORT),
        ("http.8888", [8888], ExposeReason.INVALID_PORT),
    ],
)
def test_a_label_names_ports(label: str, numbers: list[int], problem: ExposeReason | None) -> None:
    found = requested(made("a", "u", label), ALL)
    assert ([each.number for each in found.ports], found.problem) == (numbers, problem)
    assert bool(found.message) == (problem is not None)


def test_a_port_that_is_not_allowed_is_left_out() -> None:
    found = requested(made("a", "u", "8888.22.6006"), allowed("6006, 8000-9000"))
    assert ([each.number for each in found.ports], found.problem) == ([8888, 6006], ExposeReason.NOT_ALLOWED)
    assert found.message == "port 22 may not be exposed; allowed are 6006, 8000-9000"


def test_wishes_are_in_the_order_of_the_ports() -> None:
    pod = made("a", "u", "8888.6006", gateway_ports=f"{FIRST}.{FIRST + 1}")
    assert [each.gateway_port for each in requested(pod, ALL).ports] == [FIRST, FIRST + 1]
    assert requested(replace(pod, gateway_ports="first"), ALL).problem is ExposeReason.INVALID_PORT


def test_a_task_label_of_somebody_else_is_a_problem_only_before_a_claim() -> None:
    pod = replace(made("a", "u"), task="theirs")
    assert requested(pod, ALL).problem is ExposeReason.NOT_ALLOWED
    assert requested(pod, ALL, claimed=True).problem is None


@pytest.mark.parametrize("text", ["x", "8888-", "-1", "9000-8000", "0", "70000", "8888;6006"])
def test_what_is_no_list_of_ports_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no port and no range"):
        allowed(text)


@given(foreign.pods, st.text(max_size=20), st.text(max_size=20))
def test_reading_a_pod_never_fails(pod: Manifest, first: str, second: str) -> None:
    pod["metadata"].setdefault("uid", "u")
    pod["metadata"]["annotations"] = {names.ADDRESS: first, names.ADDRESSES: second, names.PORT_WISH: second}
    pod["metadata"]["labels"] = {names.EXPOSE: first}
    found = pods.parse(pod)
    requested(found, ALL)
    assert all(isinstance(each, int) for each in found.ports.values())


@pytest.mark.parametrize("text", ["[]", '{"a": 1}', "{", "null", '"x"', "[" * 100_000])
def test_addresses_that_somebody_else_wrote_are_none(text: str) -> None:
    meta = {"namespace": "n", "name": "a", "uid": "u", "resourceVersion": "1", "annotations": {names.ADDRESSES: text}}
    assert pods.parse({"metadata": meta}).published == ()
