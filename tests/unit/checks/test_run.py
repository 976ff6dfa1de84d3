"""How checks run: their dependencies, skipped checks, and the code of each problem of the configuration."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from task_gateway import config
from task_gateway.checks import run
from task_gateway.checks.base import CHECKS, CheckFunction, CheckResult, CheckRule, Finding
from task_gateway.checks.config import RULES, code_of
from task_gateway.config import document
from task_gateway.errors import ApiError, ClusterUnreachable, ConfigError, Forbidden, Problem, UsageError
from task_gateway.inventory.snapshot import GatewaySnapshot
from task_gateway.inventory.target import GatewayTarget
from task_gateway.model import Check
from task_gateway.reasons import ConfigRule

GOOD = """
resource_manager:
  type: kubernetes
  internal_task_gateway:
    gateway_name: gw
    gateway_namespace: ns
    gateway_ip: 192.0.2.7
resource_pools:
  - pool_name: east
"""
OTHER = """
additional_resource_managers:
  - resource_manager:
      type: kubernetes
      name: west
      internal_task_gateway:
        gateway_name: gw
        gateway_namespace: ns
        gateway_ip: 192.0.2.7
    resource_pools:
      - pool_name: west
"""


WRONG = [
    ("type: kubernetes", "type: [", {"ITG0601"}),
    (GOOD, GOOD + "---\nport: 8080\n", {"ITG0601"}),
    (GOOD, "- a list", {"ITG0601"}),
    ("gateway_ip", "gatway_ip", {"ITG0602", "ITG0608"}),
    ("gateway_name: gw", "gateway_name: gw\n    gateway_name: gw", {"ITG0602"}),
    ("resource_pools", "resource_pool", {"ITG0602"}),
    (GOOD, GOOD + "internal_task_gateway: {}\n", {"ITG0602"}),
    ("gateway_name: gw", "gateway_name: gw\n    gateway_port_range_start: 2000\n    gateway_port_range_end: 1999",
     {"ITG0603"}),
    ("gateway_name: gw", "gateway_name: gw\n    gateway_port_range_end: 2000", {"ITG0603"}),
    (GOOD, GOOD + OTHER, {"ITG0604"}),
    ("gateway_name: gw", "gateway_name: gw\n    gateway_port_range_start: 1024", {"ITG0605"}),
    ("gateway_name: gw", "gateway_name: gw\n    gateway_port_range_end: 65536", {"ITG0605"}),
    ("gateway_name: gw", "gateway_name: gw\n    gateway_port_range_end: many", {"ITG0605"}),
    ("    gateway_name: gw\n", "", {"ITG0606"}),
    ("gateway_name: gw", "gateway_name: Gw", {"ITG0606"}),
    ("gateway_name: gw", "gateway_name: 7", {"ITG0606"}),
    ("gateway_name: gw", "gateway_name: y", {"ITG0606"}),
    ("    gateway_namespace: ns\n", "", {"ITG0607"}),
    ("gateway_namespace: ns", "gateway_namespace: n.s", {"ITG0607"}),
    ("    gateway_ip: 192.0.2.7\n", "", {"ITG0608"}),
    ("gateway_ip: 192.0.2.7", "gateway_ip: ''", {"ITG0608"}),
    ("gateway_ip: 192.0.2.7", "gateway_ip: http://192.0.2.7", {"ITG0608"}),
    ("type: kubernetes", "type: kubernetees", {"ITG0609"}),
    ("pool_name: east", "max_aux_containers_per_agent: 1", {"ITG0609"}),
    ("pool_name: east", "pool_name: east\n    max_aux_containers_per_agent: -1", {"ITG0609"}),
    (GOOD, "resource_pools: []", {"ITG0609"}),
    (GOOD, GOOD + "  - pool_name: east\n", {"ITG0609"}),
    (GOOD, GOOD + OTHER.replace("      name: west\n", "").replace("gw", "gx"), {"ITG0609"}),
]  # fmt: skip
"""What is put in place of what in the good one, and the codes of the checks that are wrong then."""


@pytest.mark.parametrize(("old", "new", "codes"), WRONG)
def test_each_rule_of_the_configuration_has_its_code(old: str, new: str, codes: set[str]) -> None:
    assert old in GOOD
    with pytest.raises(ConfigError) as wrong:
        config.parse(GOOD.replace(old, new), "master.yaml")
    checks = run.of_config(wrong.value, "master.yaml")
    assert {each.code for each in checks if each.result == CheckResult.ERROR} == codes
    for each in wrong.value.problems:
        assert str(each) in next(check.message for check in checks if check.code == code_of(each))
    assert {each.fix for each in checks} == {"", "task-gateway config validate master.yaml"}


def test_a_right_configuration_has_all_its_checks_right() -> None:
    config.parse(GOOD, "master.yaml")
    checks = run.of_config(None, "master.yaml")
    assert {each.result for each in checks} == {CheckResult.OK}
    assert [each.code for each in checks] == [f"ITG060{number}" for number in range(1, 10)]


def test_every_rule_has_a_code() -> None:
    assert set(RULES) == set(ConfigRule)


@pytest.mark.parametrize(("old", "new", "codes"), WRONG)
def test_no_code_depends_on_the_wording_of_a_problem(
    monkeypatch: pytest.MonkeyPatch, old: str, new: str, codes: set[str]
) -> None:
    """With changed messages and keys, all problems keep their codes."""

    def scrambled(file: str, line: int, key: str, message: str, rule: ConfigRule) -> Problem:
        return Problem(file, line, digest(key), digest(message), rule)

    for module in (config, document):
        monkeypatch.setattr(module, "Problem", scrambled)
    with pytest.raises(ConfigError) as wrong:
        config.parse(GOOD.replace(old, new), "master.yaml")
    assert {code_of(each) for each in wrong.value.problems} == codes


def test_a_file_that_cannot_be_read_has_the_code_of_that(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(config, "Problem", lambda file, line, _key, _message, rule: Problem(file, line, "k", "m", rule))
    (tmp_path / "bytes.yaml").write_bytes(b"\xff")
    for name in ("none.yaml", "bytes.yaml"):
        with pytest.raises(ConfigError) as wrong:
            config.load(tmp_path / name)
        assert [code_of(each) for each in wrong.value.problems] == ["ITG0601"]


def digest(text: str) -> str:
    """Return a text without a word of this one."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def rule(code: str, look: CheckFunction, *after: str) -> CheckRule:
    return CheckRule(code, "gateway", f"{code} is right", "kubectl get gateway {gateway}", "", after, look)


def right(_snapshot: GatewaySnapshot) -> Finding | None:
    return None


def raising(problem: Exception) -> CheckFunction:
    def look(_snapshot: GatewaySnapshot) -> Finding | None:
        raise problem

    return look


@pytest.fixture
def looked(target: GatewayTarget, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Check]]:
    """Run these checks in place of the real ones."""

    def look(*rules: CheckRule, named: bool = False) -> dict[str, Check]:
        monkeypatch.setattr(run, "CHECKS", rules)
        monkeypatch.setattr(run, "fill", lambda fix, _: fix.format(gateway="gw"))
        return {each.code: each for each in run.of_target(target, named=named)}

    return look


def test_an_error_bars_what_comes_after_it_and_a_warning_does_not(looked: Callable[..., dict[str, Check]]) -> None:
    found = looked(
        rule("A", right, "C"),  # named before what it comes after
        rule("B", right, "A"),
        rule("C", lambda _: Finding("broken")),
        rule("D", lambda _: Finding("so\n  so", warning=True)),
        rule("E", right, "D"),
    )
    assert (found["C"].result, found["C"].message, found["C"].fix) == ("error", "broken", "kubectl get gateway gw")
    assert (found["A"].result, found["A"].message) == ("skipped", "because C failed")
    assert (found["B"].result, found["B"].message) == ("skipped", "because A failed")
    assert (found["D"].result, found["D"].message) == ("warning", "so so")
    assert (found["E"].result, found["E"].fix) == ("ok", "")


def test_what_may_not_be_read_is_skipped_and_bars_nothing(looked: Callable[..., dict[str, Check]]) -> None:
    found = looked(rule("A", raising(Forbidden("no", where="v1/Node"))), rule("B", right, "A"))
    assert (found["A"].result, found["A"].message) == ("skipped", "because v1/Node may not be read")
    assert found["B"].result == "ok"


def test_what_the_api_server_fails_at_is_said(looked: Callable[..., dict[str, Check]]) -> None:
    found = looked(
        rule("A", raising(ApiError("oh no", hint="sleep"))),
        rule("B", raising(ClusterUnreachable("gone", where="https://x"))),
    )
    assert (found["A"].result, found["A"].message, found["A"].fix) == (
        "warning",
        "could not be checked: oh no",
        "sleep",
    )
    assert (found["B"].result, found["B"].message) == ("error", "gone at https://x")


def test_of_several_resource_managers_each_check_says_whose_it_is(looked: Callable[..., dict[str, Check]]) -> None:
    assert looked(rule("A", right), named=True)["A"].description == "A is right (east)"
    assert looked(rule("A", right))["A"].description == "A is right"


def check(code: str, result: str) -> Check:
    return Check(code, CHECKS.get(code).description, result)


def test_categories_keep_their_order_and_can_be_chosen() -> None:
    checks = [check("ITG0401", "error"), check("ITG0101", "ok"), check("ITG0201", "warning")]
    whole = run.report(checks)
    assert [each.name for each in whole.categories] == ["cluster", "CRDs", "gateway"]
    assert whole.success is False
    some = run.report(checks, ["crds", "cluster"])
    assert [each.name for each in some.categories] == ["cluster", "CRDs"]
    assert some.success is True


def test_a_category_that_is_not_there_is_refused() -> None:
    with pytest.raises(UsageError, match="no category is called rooting") as refused:
        run.report([], ["gateway", "rooting"])
    assert "routing" in (refused.value.hint or "")


def test_unreachable_means_that_no_cluster_answers() -> None:
    assert run.unreachable([check("ITG0101", "error"), check("ITG0101", "error")])
    assert not run.unreachable([check("ITG0101", "error"), check("ITG0101", "ok")])
    assert not run.unreachable([])
