"""A refusal for cost is parsed with its rule, and every other refusal has its own type."""

from typing import Any

import pytest

from task_gateway.crds.cost import ALL_TOGETHER, CostRefusal, read, told_apart
from task_gateway.errors import (
    ApiError,
    Cause,
    DeniedByPolicy,
    Forbidden,
    Invalid,
    InvalidCrd,
    NotApproved,
)
from task_gateway.reasons import OverBudget, Refusal

ROOT = "spec.versions[{}].schema.openAPIV3Schema"
LISTS = f"{ROOT}.properties[spec].properties[items].x-kubernetes-validations[{{}}].rule"


def crd(*texts: str) -> dict[str, Any]:
    rules = [{"rule": text, "messageExpression": f"'{text}'"} for text in texts]
    tls = {"properties": {"tls": {"x-kubernetes-validations": [{"rule": "inner"}]}}}
    items = {"type": "array", "x-kubernetes-validations": rules, "items": tls}
    schema = {"properties": {"spec": {"properties": {"items": items}}}}
    versions = [{"name": name, "schema": {"openAPIV3Schema": schema}} for name in ("v1", "v2")]
    return {"metadata": {"name": "x"}, "spec": {"versions": versions}}


def over(field: str, factor: float | None) -> Cause:
    return Cause(field, "FieldValueForbidden", f"{factor} times too much", OverBudget(factor))


def part(field: str) -> Cause:
    return Cause(field, "FieldValueForbidden", "a part of it", contributes=True)


def wrong(field: str, message: str) -> Cause:
    return Cause(field, "FieldValueInvalid", message)


def refused(*causes: Cause, reasons: frozenset[Refusal] = frozenset()) -> Invalid:
    return Invalid("is invalid", status=422, causes=causes, reasons=reasons)


def answer(*causes: Cause, versions: tuple[str, ...] = ("v1",)) -> CostRefusal:
    found = read(refused(*causes), crd("first", "second"), versions)
    assert found is not None
    return found


def test_the_rule_and_the_factor_are_read() -> None:
    said = answer(over(LISTS.format(0, 1), 1.007641))
    assert (said.factor, said.rule, said.message) == (1.007641, "second", "1.007641 times too much")


def test_the_rule_furthest_over_its_budget_speaks() -> None:
    said = answer(
        over(LISTS.format(0, 0), 10.8),
        over(LISTS.format(0, 1), 22.0),
        part(LISTS.format(0, 1)),
        over(ROOT.format(0), 3.3),
    )
    assert (said.factor, said.rule) == (22.0, "second")
    assert [(each.rule, each.factor, each.total) for each in said.by_size()] == [
        ("second", 22.0, False),
        ("first", 10.8, False),
        ("second", 3.3, True),
    ]


def test_more_than_a_hundred_times_is_more_than_any_factor() -> None:
    said = answer(over(LISTS.format(0, 0), 99.9), over(LISTS.format(0, 1), None))
    assert (said.factor, said.rule) == (None, "second")


def test_a_total_names_the_rules_that_contribute_to_it() -> None:
    said = answer(part(LISTS.format(0, 1)), part(LISTS.format(0, 0)), over(ROOT.format(0), 1.2))
    assert (said.factor, said.rule) == (1.2, "second\nfirst")
    assert answer(over(ROOT.format(0), 1.2)).rule == ALL_TOGETHER


def test_rules_elsewhere_and_message_expressions_are_found_by_their_place() -> None:
    inner = LISTS.format(0, 0).replace(".x-k", ".items.properties[tls].x-k")
    assert answer(over(inner, 1.1)).rule == "inner"
    expression = LISTS.format(0, 1).replace("].rule", "].messageExpression")
    assert answer(over(expression, 2.0)).rule == "'second'"


def test_a_place_that_cannot_be_followed_stands_for_its_rule() -> None:
    place = LISTS.format(0, 9)
    assert answer(over(place, 2.0)).rule == place


def test_one_schema_for_all_versions_counts_for_each() -> None:
    place = LISTS.format(0, 1).replace("spec.versions[0].schema", "spec.validation")
    assert answer(over(place, 2.0), versions=("v2",)).rule == "second"


def test_the_cost_in_other_versions_is_no_refusal_of_this_one() -> None:
    problem = refused(over(LISTS.format(1, 1), 2.0))
    assert read(problem, crd("first", "second"), ("v1",)) is None
    assert read(problem, crd("first", "second"), ("v1", "v2")) is not None


@pytest.mark.parametrize(
    ("problem", "error", "hint"),
    [
        (refused(reasons=frozenset({Refusal.DENIED})), DeniedByPolicy, "--control-plane"),
        (Forbidden("no", status=403, reasons=frozenset({Refusal.DENIED})), DeniedByPolicy, "--control-plane"),
        (Forbidden("denied request", status=403), Forbidden, "kubectl auth can-i patch"),
        (refused(reasons=frozenset({Refusal.NOT_APPROVED})), NotApproved, "api-approved.kubernetes.io"),
        (refused(wrong(f"{ROOT.format(0)}.type", "must be object")), InvalidCrd, "dry-run=server"),
        (
            refused(over(LISTS.format(0, 0), 2.0), wrong(LISTS.format(0, 1), "compilation failed")),
            InvalidCrd,
            "dry-run=server",
        ),
        (ApiError("etcd is slow", status=500), ApiError, None),
    ],
)
def test_other_refusals_are_told_apart(problem: ApiError, error: type[ApiError], hint: str | None) -> None:
    with pytest.raises(error) as caught:
        read(problem, crd("first", "second"), ("v1",))
    assert type(caught.value) is error
    assert (caught.value.status, caught.value.reasons) == (problem.status, problem.reasons)
    assert (hint is None and caught.value.hint is None) or str(hint) in str(caught.value.hint)


def test_the_message_names_what_is_wrong_besides_the_cost() -> None:
    problem = told_apart(refused(over(LISTS.format(0, 0), 2.0), wrong("spec.names.kind", "is missing")))
    assert problem.message.endswith("not because of the cost of its rules: spec.names.kind: is missing")
