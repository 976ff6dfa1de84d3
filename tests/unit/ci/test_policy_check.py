"""The policy check: each finding of kube-score has a reason or fails, and so does a reason without a finding."""

from pathlib import Path

import policy_check
from policy_check import ScoreException, ScoreFinding

LIMIT = ScoreFinding("container-resources", "Deployment/gateways/tg-envoy", "envoy CPU limit is not set")
REASON = ScoreException("container-resources", "Deployment/*", "CPU limit", "it throttles")


def report(grade: int, *, skipped: bool = False) -> list[dict[str, object]]:
    comment = {"path": "envoy", "summary": "CPU limit is not set"}
    check = {"check": {"id": "container-resources", "name": "Container Resources"}, "grade": grade, "skipped": skipped}
    return [
        {
            "type_meta": {"kind": "Deployment"},
            "object_meta": {"name": "tg-envoy", "namespace": "gateways"},
            "checks": [check | {"comments": [comment]}],
        }
    ]


def test_what_is_graded_below_the_best_is_found() -> None:
    assert list(policy_check.findings(report(1))) == [LIMIT]
    assert list(policy_check.findings(report(10))) == []
    assert list(policy_check.findings(report(1, skipped=True))) == []


def test_a_finding_without_a_reason_is_named() -> None:
    assert policy_check.unexplained([LIMIT], []) == [
        "Deployment/gateways/tg-envoy: envoy CPU limit is not set (container-resources)"
    ]
    assert policy_check.unexplained([LIMIT], [REASON]) == []


def test_a_reason_holds_for_its_check_its_objects_and_its_words_alone() -> None:
    others = [
        ScoreFinding("pod-probes", LIMIT.object, LIMIT.says),
        ScoreFinding(LIMIT.check, "Job/gateways/tg-uninstall", LIMIT.says),
        ScoreFinding(LIMIT.check, LIMIT.object, "envoy Memory limit is not set"),
    ]
    assert len(policy_check.unexplained(others, [REASON])) == len(others)


def test_a_reason_that_explains_nothing_is_named() -> None:
    (line,) = policy_check.outdated([], [REASON])
    assert line.startswith("policy_exceptions.yaml: container-resources at Deployment/*")
    assert policy_check.outdated([LIMIT], [REASON]) == []


def test_every_reason_that_is_written_down_says_why() -> None:
    known = policy_check.exceptions()
    assert known
    assert all(each.reason.endswith(".") for each in known)
    assert Path(policy_check.__file__).parent / "policy_exceptions.yaml" == policy_check.EXCEPTIONS
