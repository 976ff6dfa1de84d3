"""Which refusals of an API server mean that no further task fits."""

import pytest

from task_gateway.errors import ApiError, DeniedByPolicy, Forbidden, Invalid, NoFreeSlot
from task_gateway.routing import refusals

INVALID = 'Gateway.gateway.networking.k8s.io "gw" is invalid: '


@pytest.mark.parametrize(
    ("refused", "advice"),
    [
        (Invalid(INVALID + "spec.listeners: Too many: 65: must have at most 64 items"), "crds raise"),
        (Invalid(INVALID + "spec.listeners: validation failed due to running out of cost budget"), "crds raise"),
        (Invalid(INVALID + "spec.listeners: actual cost limit exceeded"), "crds raise"),
        (ApiError("etcdserver: request is too large", status=500), "size"),
        (Forbidden('services "a" is forbidden: exceeded quota: q, requested: services=1'), "ResourceQuota"),
        (Invalid('Service "a" is invalid: failed to allocate IP: range is full'), "ServiceCIDR"),
    ],
)
def test_a_refusal_for_one_too_many_says_what_to_raise(refused: ApiError, advice: str) -> None:
    refused.where = "v1/Service a/b"
    full = refusals.full(refused)
    assert isinstance(full, NoFreeSlot)
    assert refused.message in full.message
    assert full.where == refused.where
    assert advice in str(full.hint)
    assert "task-gateway limits" in str(full.hint)


@pytest.mark.parametrize(
    "refused",
    [
        Invalid(INVALID + "spec.listeners[1].port: Invalid value: 0: should be greater than or equal to 1"),
        DeniedByPolicy("admission webhook denied the request"),
        ApiError("HTTP status 500", status=500),
    ],
)
def test_other_refusals_are_left_as_they_are(refused: ApiError) -> None:
    assert refusals.full(refused) is None
