"""The mapping of an API server's responses to errors: complete, and clear for any body."""

import json

import pytest

from task_gateway import errors
from task_gateway.errors import AlreadyExists, ApiError, Cause, Conflict, Forbidden, Invalid, NotFound
from task_gateway.kube.mapping import BY_STATUS, map_status


def status(reason: str, message: str = "no") -> str:
    return json.dumps({"kind": "Status", "status": "Failure", "reason": reason, "message": message})


@pytest.mark.parametrize(
    ("code", "reason", "error"),
    [
        (400, "BadRequest", Invalid),
        (401, "Unauthorized", Forbidden),
        (403, "Forbidden", Forbidden),
        (404, "NotFound", NotFound),
        (409, "AlreadyExists", AlreadyExists),
        (409, "Conflict", Conflict),
        (410, "Expired", ApiError),
        (422, "Invalid", Invalid),
        (429, "TooManyRequests", ApiError),
        (500, "InternalError", ApiError),
        (503, "ServiceUnavailable", ApiError),
    ],
)
def test_reasons_of_an_api_server(code: int, reason: str, error: type[ApiError]) -> None:
    mapped = map_status(code, status(reason), "v1/Service a/b")
    assert type(mapped) is error
    assert (mapped.status, mapped.message, mapped.where) == (code, "no", "v1/Service a/b")


def test_every_api_error_can_be_met() -> None:
    kinds = {each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, ApiError)}
    answered = {
        each for each in kinds if each is ApiError or ApiError in each.__bases__
    }  # the rest is told apart later
    assert {*BY_STATUS.values(), AlreadyExists, ApiError} == answered


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"upstream is away", "upstream is away"),
        ("[1]", "[1]"),
        ("{}", "{}"),
        ("", "HTTP status 502"),
        (None, "HTTP status 502"),
        (b"\xff", "�"),
    ],
)
def test_an_answer_that_is_no_status_is_shown_as_it_is(body: str | bytes | None, message: str) -> None:
    mapped = map_status(502, body, "/version")
    assert (type(mapped), mapped.message) == (ApiError, message)


def test_the_causes_of_a_refusal_are_kept() -> None:
    causes = [{"reason": "FieldValueForbidden", "field": "spec.x", "message": "too costly"}, {"message": "other"}]
    body = json.dumps({"message": "no", "details": {"causes": causes}})
    found = map_status(422, body, "here").causes
    assert found == (Cause("spec.x", "FieldValueForbidden", "too costly"), Cause("", "", "other"))
    assert map_status(422, json.dumps({"message": "no", "details": {}}), "here").causes == ()
