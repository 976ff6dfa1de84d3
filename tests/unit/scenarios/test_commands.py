"""How a scenario reads the result of commands, and that each of its manual commands exists."""

import json
import re
from typing import Any

import pytest

from task_gateway.cli._commands import load
from task_gateway.errors import ScenarioFailed
from task_gateway.kube.process import Completed
from task_gateway.model import Address
from task_gateway_lab.scenarios import account_login, ended_pod, forced_upgrade, several_namespaces
from task_gateway_lab.scenarios.base import SCENARIOS
from task_gateway_lab.scenarios.commands import addresses_of, parse_output

SELECTED = [
    module.__name__.rpartition(".")[2] for module in (account_login, ended_pod, forced_upgrade, several_namespaces)
]
PROGRAM = re.compile(r"^task-gateway (\S+)(.*)$", re.MULTILINE)


def printed(value: Any, code: int = 0, stderr: str = "") -> Completed:
    return Completed(code, json.dumps(value), stderr)


def test_a_result_is_returned_for_the_exit_codes_that_are_expected() -> None:
    assert parse_output("gc", printed({"repairs": []}, 1), (0, 1)) == {"repairs": []}
    assert parse_output("expose", printed({"error": {"type": "TaskEnded"}}, 1), (1,)) == {
        "error": {"type": "TaskEnded"}
    }


def test_another_exit_code_fails_with_the_error_of_the_command() -> None:
    error = {"type": "Forbidden", "message": "cannot list services", "where": "v1/Service", "hint": "ask"}
    with pytest.raises(ScenarioFailed, match="task-gateway ls ended with exit code 1: cannot list services") as failed:
        parse_output("ls", printed({"error": error}, 1), (0,))
    assert (failed.value.where, failed.value.hint) == ("v1/Service", "ask")


@pytest.mark.parametrize(("stderr", "said"), [("no such option\n", "no such option"), ("", "it printed no JSON")])
def test_a_command_that_prints_no_json_fails_with_what_it_said(stderr: str, said: str) -> None:
    with pytest.raises(ScenarioFailed, match=f"exit code 0: {said}$"):
        parse_output("ls", Completed(0, "", stderr), (0,))


def test_addresses_are_in_the_order_of_the_ports() -> None:
    ports = [{"target_port": port, "host": "192.0.2.7", "port": 20000 + port} for port in (2, 1)]
    assert addresses_of({"ports": ports}) == (Address("192.0.2.7", 20002), Address("192.0.2.7", 20001))


def test_a_port_answers_as_its_own_task_or_is_closed() -> None:
    first, second = forced_upgrade.BOTH
    assert forced_upgrade.is_own_or_closed(first, f"{first}:{forced_upgrade.PORT}")
    assert not forced_upgrade.is_own_or_closed(first, "")
    with pytest.raises(ScenarioFailed, match=f"the port of {first} was answered by {second}"):
        forced_upgrade.is_own_or_closed(first, f"{second}:{forced_upgrade.PORT}")


@pytest.mark.parametrize("name", SELECTED)
def test_the_commands_by_hand_have_these_options(name: str) -> None:
    """Every `task-gateway` command that a person is shown is one of the program, with options that it has."""
    shown = PROGRAM.findall("\n".join(SCENARIOS.get(name).by_hand({})))
    assert shown
    for command, words in shown:
        known = {option for each in load(command).params for option in each.opts}
        assert set(re.findall(r"--[a-z-]+", words)) - {"--context"} <= known, f"{command}{words}"
