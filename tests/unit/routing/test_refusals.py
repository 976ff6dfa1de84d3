"""The refusals of an API server that mean that no further task fits."""

import pytest

from task_gateway.errors import ApiError, DeniedByPolicy, Invalid, NoFreeSlot
from task_gateway.reasons import Refusal
from task_gateway.routing import refusals

ADVICE = {
    Refusal.TOO_MANY_ITEMS: "crds raise",
    Refusal.RULE_COST: "crds raise",
    Refusal.TOO_LARGE: "size",
    Refusal.QUOTA: "ResourceQuota",
    Refusal.NO_SERVICE_ADDRESS: "ServiceCIDR",
}


@pytest.mark.parametrize(("reason", "advice"), ADVICE.items())
def test_a_refusal_for_one_too_many_says_what_to_raise(reason: Refusal, advice: str) -> None:
    refused = ApiError("in whatever words", where="v1/Service a/b", reasons=frozenset({reason}))
    full = refusals.capacity_error(refused)
    assert isinstance(full, NoFreeSlot)
    assert refused.message in full.message
    assert full.where == refused.where
    assert advice in str(full.hint)
    assert "task-gateway limits" in str(full.hint)


@pytest.mark.parametrize(
    "refused",
    [
        Invalid("must have at most 64 items, running out of cost budget, exceeded quota: q, range is full"),
        DeniedByPolicy("admission webhook denied the request", reasons=frozenset({Refusal.DENIED})),
        ApiError("HTTP status 500", status=500),
    ],
)
def test_other_refusals_are_left_as_they_are(refused: ApiError) -> None:
    assert refusals.capacity_error(refused) is None
