"""The reasons in Status objects of an API server, with the texts and fields of Kubernetes 1.34 and 1.37."""

import json

import pytest

from task_gateway.errors import ApiError, Cause
from task_gateway.kube.mapping import map_status
from task_gateway.reasons import OverBudget, Refusal

INVALID = 'Gateway.gateway.networking.k8s.io "gw" is invalid: '
POLICY = "ValidatingAdmissionPolicy 'safe-upgrades.x.io' with binding 'b' denied request: too old"
ROOT = "spec.versions[0].schema.openAPIV3Schema"
TOTAL = "x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema exceeds budget by factor of {}"
ADVICE = " (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays are declared)"
PART = "contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema"


def answer(status: int, message: str, *causes: dict[str, str]) -> ApiError:
    body = {"kind": "Status", "message": message, "details": {"causes": list(causes)}}
    return map_status(status, json.dumps(body), "v1/Service a/b")


@pytest.mark.parametrize(
    ("refused", "reason"),
    [
        (
            answer(
                422,
                INVALID + "spec.listeners: Too many: 65: must have at most 64 items",
                {"reason": "FieldValueTooMany", "field": "spec.listeners", "message": "Too many: 65: must have …"},
            ),
            Refusal.TOO_MANY_ITEMS,
        ),
        (
            answer(
                422,
                INVALID + 'spec.listeners: Invalid value: "array": validation failed due to running out of cost '
                "budget, no further validation rules will be run",
            ),
            Refusal.RULE_COST,
        ),
        (
            answer(
                422,
                INVALID
                + "spec.listeners: Invalid value: \"array\": 'operation cancelled: actual cost limit exceeded': "
                "no further validation rules will be run due to call cost exceeds limit for rule: self.all(…)",
            ),
            Refusal.RULE_COST,
        ),
        (answer(500, "etcdserver: request is too large"), Refusal.TOO_LARGE),
        (answer(403, 'services "a" is forbidden: exceeded quota: q, requested: services=1'), Refusal.QUOTA),
        (answer(500, "failed to allocate a serviceIP: range is full"), Refusal.NO_SERVICE_ADDRESS),
        (answer(422, f"admissions is forbidden: {POLICY}", {"message": POLICY}), Refusal.DENIED),
        (answer(403, 'admission webhook "w.x.io" denied the request: no'), Refusal.DENIED),
        (answer(400, 'admission webhook "w.x.io" does not support dry run'), Refusal.DENIED),
        (
            answer(422, "is invalid", {"field": "metadata.annotations[api-approved.kubernetes.io]", "message": "…"}),
            Refusal.NOT_APPROVED,
        ),
    ],
)
def test_each_reason_is_read_from_its_status(refused: ApiError, reason: Refusal) -> None:
    assert refused.reasons == {reason}


def test_a_refusal_may_have_several_reasons() -> None:
    causes = {"reason": "FieldValueTooMany", "field": "spec.listeners", "message": "Too many"}
    found = answer(422, "running out of cost budget", causes).reasons
    assert found == {Refusal.TOO_MANY_ITEMS, Refusal.RULE_COST}


@pytest.mark.parametrize(
    "refused",
    [
        answer(422, INVALID + "spec.listeners[1].port: Invalid value: 0: should be greater than or equal to 1"),
        answer(403, 'User "u" cannot patch resource "customresourcedefinitions"'),
        answer(409, "the object has been modified; please apply your changes to the latest version"),
        map_status(502, b"upstream is away", "/version"),
    ],
)
def test_anything_else_has_no_reason(refused: ApiError) -> None:
    assert (refused.reasons, refused.denied_by) == (frozenset(), "")


@pytest.mark.parametrize(
    ("message", "name"),
    [
        (f"admissions is forbidden: {POLICY}", "safe-upgrades.x.io"),
        ("policy 'safe-upgrades.x.io' with binding 'b' denied request: failed to configure it", "safe-upgrades.x.io"),
        ("admission webhook \"w.x.io\" denied the request: policy 'other' is not met", "w.x.io"),
        ('admission webhook "w.x.io" does not support dry run', "w.x.io"),
        ("policy 'safe-upgrades.x.io' is not there", ""),
    ],
)
def test_who_denies_a_request_is_named(message: str, name: str) -> None:
    assert answer(422, message).denied_by == name


@pytest.mark.parametrize(
    ("message", "cause"),
    [
        (
            f"Forbidden: estimated rule cost exceeds budget by factor of 1.007641x{ADVICE}",
            Cause(ROOT, "FieldValueForbidden", "", OverBudget(1.007641)),
        ),
        (
            f"Forbidden: estimated rule cost exceeds budget by factor of more than 100x{ADVICE}",
            Cause(ROOT, "FieldValueForbidden", "", OverBudget(None)),
        ),
        (f"Forbidden: {TOTAL.format('3.3x')}{ADVICE}", Cause(ROOT, "FieldValueForbidden", "", OverBudget(3.3))),
        (f"Forbidden: {PART}", Cause(ROOT, "FieldValueForbidden", "", contributes=True)),
        ("Forbidden: must be object", Cause(ROOT, "FieldValueForbidden", "")),
    ],
)
def test_the_cost_of_rules_is_read_from_a_cause(message: str, cause: Cause) -> None:
    reported = {"reason": "FieldValueForbidden", "field": ROOT, "message": message}
    (found,) = answer(422, "is invalid", reported).causes
    assert (found.field, found.reason, found.message) == (cause.field, cause.reason, message)
    assert (found.over_budget, found.contributes) == (cause.over_budget, cause.contributes)
