"""The common parts of all checks, and whether the page and the commands that they refer to exist."""

import re
from pathlib import Path
from typing import Any

import pytest
from tests.unit.checks.objects import Make

from docs.checks import page
from task_gateway.checks.base import CATEGORIES, CHECKS, PAGE, CheckRule, category_of, fill
from task_gateway.cli._commands import load
from task_gateway.controllers.base import CONTROLLERS

ROOT = Path(__file__).parents[3]
RULES = list(CHECKS)


def test_codes_say_their_category_and_are_many() -> None:
    assert len(RULES) >= 45
    for rule in RULES:
        assert re.fullmatch(r"ITG0[1-7]\d\d", rule.code)
        assert rule.category == category_of(rule.code)
    assert {rule.category for rule in RULES} == set(CATEGORIES)


def test_every_check_says_what_is_right_why_it_may_be_wrong_and_what_helps() -> None:
    for rule in RULES:
        assert rule.description
        assert rule.fix
        assert rule.cause.endswith(".")
    assert len({rule.description for rule in RULES}) == len(RULES)


def test_what_a_check_comes_after_exists_and_never_leads_back_to_it() -> None:
    by_code = {rule.code: rule for rule in RULES}

    def before(rule: CheckRule, seen: frozenset[str]) -> None:
        assert rule.code not in seen
        for code in rule.depends_on:
            before(by_code[code], seen | {rule.code})

    for rule in RULES:
        before(rule, frozenset())


def test_the_page_is_the_one_written_from_the_checks() -> None:
    assert (ROOT / PAGE).read_text("utf-8") == page()


def test_every_anchor_is_on_the_page() -> None:
    anchors = re.findall(r'^<a id="(\S+)"></a>\n\n### ', (ROOT / PAGE).read_text("utf-8"), re.MULTILINE)
    assert {f"{PAGE}#{anchor}" for anchor in anchors} == {rule.docs for rule in RULES}


@pytest.mark.parametrize("rule", [rule for rule in RULES if "task-gateway " in rule.fix])
def test_our_own_commands_exist_with_their_options(rule: CheckRule) -> None:
    first, *words = re.findall(r"\S+", rule.fix.partition("task-gateway ")[2])
    command: Any = load(first)
    while hasattr(command, "commands"):
        command = command.commands[words.pop(0)]
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= known


def test_commands_have_the_names_of_the_gateway_and_of_its_release(snapshot: Make) -> None:
    meta = {"labels": {"app.kubernetes.io/instance": "rel"}}
    spec = {"gatewayClassName": "klass"}
    found = snapshot(
        gateway_object={"metadata": meta, "spec": spec},
        namespaces=("tasks",),
        controller=CONTROLLERS.get("contour"),
    )
    assert fill("x {gateway} {namespace} {tasks} {gateway_class}", found) == "x gw ns tasks klass"
    assert fill("kubectl get pods -l {proxies}", found).endswith(" -l gateway.networking.k8s.io/gateway-name=gw")
    upgrade = "helm upgrade rel internal-task-gateway --namespace ns --reuse-values --set a=b"
    assert fill("{upgrade} --set a=b", found) == upgrade
