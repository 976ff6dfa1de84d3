"""The question `condition` asks of an object: which sentence it answers in which state."""

import pytest

from task_gateway.kube.wait import condition
from task_gateway.model import Manifest


def gateway(generation: int = 1, **fields: object) -> Manifest:
    return {
        "metadata": {"generation": generation},
        "status": {"conditions": [{"type": "Accepted", "status": "True"}, {"type": "Programmed", **fields}]},
    }


@pytest.mark.parametrize(
    ("obj", "said"),
    [
        (None, "it does not exist"),
        ({"metadata": {}}, "it has no condition Programmed"),
        (gateway(status="True"), None),
        (gateway(status="True", observedGeneration=1), None),
        (gateway(2, status="True", observedGeneration=1), "Programmed is of an older generation of the object"),
        (
            gateway(status="False", reason="NoResources", message="no Envoy yet"),
            "Programmed is False (NoResources): no Envoy yet",
        ),
    ],
)
def test_what_is_missing(obj: Manifest | None, said: str | None) -> None:
    assert condition("Programmed")(obj) == said


def test_another_status_can_be_asked_for() -> None:
    assert condition("Programmed", "False")(gateway(status="False")) is None
