"""The function of `condition`: the condition that it returns for an object, and its sentence."""

import pytest

from task_gateway.kube.wait import State, condition
from task_gateway.model import Manifest
from task_gateway.reasons import Condition
from task_gateway.settings import Wait


def gateway(generation: int = 1, **fields: object) -> Manifest:
    return {
        "metadata": {"generation": generation},
        "status": {"conditions": [{"type": "Accepted", "status": "True"}, {"type": "Programmed", **fields}]},
    }


@pytest.mark.parametrize(
    ("obj", "state"),
    [
        (None, "it does not exist"),
        ({"metadata": {}}, Condition("Programmed")),
        (gateway(status="True"), None),
        (gateway(status="True", observedGeneration=1), None),
        (gateway(2, status="True", observedGeneration=1), Condition("Programmed", "True", stale=True)),
        (
            gateway(status="False", reason="NoResources", message="no Envoy yet"),
            Condition("Programmed", "False", "NoResources", "no Envoy yet"),
        ),
    ],
)
def test_what_is_missing(obj: Manifest | None, state: State | None) -> None:
    assert condition("Programmed")(obj) == state


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        (Condition("Programmed"), "it has no condition Programmed"),
        (Condition("Programmed", "True", stale=True), "Programmed is of an older generation of the object"),
        (Condition("Programmed", "False", "NoAddress", "none yet"), "Programmed is False (NoAddress): none yet"),
    ],
)
def test_the_error_of_a_wait_has_the_condition_and_its_sentence(state: Condition, sentence: str) -> None:
    late = Wait("w", "it is there", 1).timed_out(state, "Gateway a/b")
    assert (late.seen, late.last_state, late.where) == (state, sentence, "Gateway a/b")
    assert late.message.endswith(f"last seen: {sentence}")


@pytest.mark.parametrize(
    ("state", "refusal"),
    [
        (Condition("Accepted"), False),
        (Condition("Accepted", "Unknown"), False),
        (Condition("Accepted", "False"), True),
        (Condition("Accepted", "False", stale=True), False),
    ],
)
def test_a_refusal_is_of_the_object_as_it_is_now(state: Condition, refusal: bool) -> None:
    assert state.is_refusal is refusal


def test_another_status_can_be_asked_for() -> None:
    assert condition("Programmed", "False")(gateway(status="False")) is None
