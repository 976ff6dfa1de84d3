"""The ended pods and Jobs, how many pods run at the same time, and why a Gateway has no address."""

import pytest

from task_gateway.model import Manifest
from task_gateway.routing import addresses, live, objects

DELETED = {"deletionTimestamp": "2026-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("meta", "status", "end"),
    [
        ({}, {"phase": "Running"}, None),
        ({}, {"phase": "Pending"}, None),
        ({}, {}, None),
        ({}, {"phase": "Succeeded"}, "has ended (phase Succeeded)"),
        ({}, {"phase": "Failed", "reason": "Evicted"}, "has ended (phase Failed, Evicted)"),
        (DELETED, {"phase": "Running"}, "is being deleted"),
        ({}, {"conditions": [{"type": "Complete", "status": "True"}]}, "has ended (condition Complete)"),
        (
            {},
            {"conditions": [{"type": "Failed", "status": "True", "reason": "DeadlineExceeded"}]},
            "has ended (condition Failed, DeadlineExceeded)",
        ),
        ({}, {"conditions": [{"type": "Failed", "status": "False"}, {"type": "Suspended", "status": "True"}]}, None),
    ],
)
def test_what_has_ended_says_how(meta: Manifest, status: Manifest, end: str | None) -> None:
    assert live.end_of({"metadata": meta, "status": status}) == end


@pytest.mark.parametrize(
    ("spec", "pods"),
    [({}, 1), ({"parallelism": 3}, 3), ({"parallelism": 3, "completions": 1}, 1), ({"parallelism": 0}, 0)],
)
def test_a_job_runs_no_more_pods_at_once_than_it_has_to_complete(spec: Manifest, pods: int) -> None:
    assert objects.at_once({"spec": spec}) == pods


def make_condition(type: str, status: str, reason: str = "") -> Manifest:
    return {"type": type, "status": status, "reason": reason, "message": "said"}


@pytest.mark.parametrize(
    ("conditions", "reason"),
    [
        ([make_condition("Accepted", "True"), make_condition("Programmed", "True")], ""),
        (
            [make_condition("Accepted", "True"), make_condition("Programmed", "False", "AddressNotAssigned")],
            "Programmed is False (AddressNotAssigned): said",
        ),
        (
            [make_condition("Programmed", "False"), make_condition("Accepted", "False", "Invalid")],
            "Accepted is False (Invalid): said",
        ),
        ([], "no controller has reported the condition Accepted"),
    ],
)
def test_the_first_condition_that_is_not_true_says_why_there_is_no_address(
    conditions: list[Manifest], reason: str
) -> None:
    assert addresses.unready({"metadata": {}, "status": {"conditions": conditions}}) == reason
    assert addresses.unready(None) == "it does not exist"
