"""The rules of a resource manager and its pools in a master configuration, and the defaults of a file."""

from typing import Any

import pytest
from tests.unit.master_file import GW, RM, Change, changed, east, gateway, messages, problems

from task_gateway.config import parse
from task_gateway.model import InternalTaskGateway, ResourcePool


def test_all_that_a_gateway_depends_on_is_read() -> None:
    config = parse(changed(lambda document: None), "master.yaml")
    home, manager = config.resource_managers
    assert (home.name, home.cluster_name, home.internal_task_gateway) == ("home", "home", None)
    assert (manager.name, manager.cluster_name, manager.kubeconfig_path) == ("east", "eastern", "/etc/east")
    assert (manager.default_namespace, manager.max_slots_per_pod) == ("tasks", 8)
    assert manager.internal_task_gateway == InternalTaskGateway("gw", "gw-ns", "203.0.113.10", 30000, 30063)
    assert home.resource_pools == (ResourcePool("home", 100),)
    assert manager.resource_pools == (ResourcePool("east", 5),)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            lambda document: east(document).update(internal_task_gateway=[]),
            f"16: {GW}: expected a mapping, found a list",
        ),
        (
            lambda document: east(document).update(max_slot_per_pod=4),
            f"22: {RM}.max_slot_per_pod: is not a key of a resource manager of type kubernetes; "
            "did you mean max_slots_per_pod?",
        ),
        (
            lambda document: east(document).update(max_slots_per_pod="8"),
            f"15: {RM}.max_slots_per_pod: expected an integer, found a string ('8')",
        ),
        (
            lambda document: east(document).update(type="kubernets"),
            f"10: {RM}.type: 'kubernets' is not a type of resource manager; did you mean kubernetes?",
        ),
        (
            lambda document: east(document).update(type="slurm"),
            f"10: {RM}.type: is 'slurm'; an additional resource manager is of type kubernetes",
        ),
        (
            lambda document: east(document).pop("type"),
            f"9: {RM}.type: is missing; an additional resource manager is of type kubernetes",
        ),
        (
            lambda document: document["resource_manager"].update(type="agent", internal_task_gateway={"a": 1}),
            "4: resource_manager.type: is 'agent'; a resource manager with a gateway is of type kubernetes",
        ),
        (
            lambda document: east(document).update(name="home"),
            f"11: {RM}.name: 'home' names the resource manager on line 5 already",
        ),
        (
            lambda document: document.update(resource_manager="kubernetes"),
            "3: resource_manager: expected a mapping, found a string ('kubernetes')",
        ),
        (
            lambda document: document.update(additional_resource_managers={"a": 1}),
            "8: additional_resource_managers: expected a list, found a mapping",
        ),
        (
            lambda document: document.update(additional_resource_managers=[3]),
            "9: additional_resource_managers[0]: expected a mapping, found an integer (3)",
        ),
        (
            lambda document: document.update(additional_resource_managers=[{"pools": []}]),
            "9: additional_resource_managers[0].resource_manager: is missing: the additional resource manager",
        ),
        (
            lambda document: document["resource_pools"].append({"max_aux_containers_per_agent": -1}),
            "8: resource_pools[1].max_aux_containers_per_agent: expected 0 or more, found -1",
        ),
        (
            lambda document: document.update(resource_pools=[{"pool_name": "a"}, {"pool_name": "a"}]),
            "8: resource_pools[1].pool_name: 'a' is the name of the resource pool on line 7 already",
        ),
        (
            lambda document: document.update(resource_pools=[{"pool_name": "east"}]),
            "23: additional_resource_managers[0].resource_pools[0].pool_name: "
            "'east' is the name of the resource pool on line 7 already",
        ),
        (
            lambda document: (
                document.pop("resource_pools"),
                document["additional_resource_managers"][0].update(resource_pools=[{"pool_name": "default"}]),
            ),
            "21: additional_resource_managers[0].resource_pools[0].pool_name: "
            "'default' is the name of the resource pool that the master adds already",
        ),
        (
            lambda document: document["additional_resource_managers"][0].pop("resource_pools"),
            "9: additional_resource_managers[0].resource_pools: is missing: "
            "a resource manager has at least one resource pool",
        ),
        (
            lambda document: document.update(resource_pools=[]),
            "6: resource_pools: is empty: a resource manager has at least one resource pool",
        ),
        (
            lambda document: document.update(aditional_resource_managers=[]),
            "25: aditional_resource_managers: is not a key of a master configuration; "
            "did you mean additional_resource_managers?",
        ),
        (
            lambda document: document.update(internal_task_gateway={}),
            "25: internal_task_gateway: belongs under a resource manager: resource_manager.internal_task_gateway",
        ),
    ],
)
def test_rule_of_a_resource_manager(change: Change, expected: str) -> None:
    assert expected in messages(changed(change))


def test_names_of_additional_resource_managers_are_required() -> None:
    def unnamed(document: dict[str, Any]) -> None:
        del east(document)["name"]
        del east(document)["cluster_name"]

    assert messages(changed(unnamed)) == [f"9: {RM}.cluster_name: is missing: the unique name of this resource manager"]


def test_all_problems_come_at_once_in_the_order_of_their_lines() -> None:
    wrong = gateway(gateway_name=None, gateway_ip="", gateway_port_range_start=80, gateway_port_range_end="x")
    found = problems(changed(wrong))
    assert [problem.line for problem in found] == [16, 18, 19, 20]
    assert {problem.file for problem in found} == {"master.yaml"}


@pytest.mark.parametrize(
    "block", [{"type": "agent", "scheduler": {"type": "fair_share"}}, {"type": "slurm", "anything": 1}, {}]
)
def test_resource_managers_of_other_types_pass_without_a_gateway(block: dict[str, Any]) -> None:
    config = parse(changed(lambda document: document.update(resource_manager=block)), "master.yaml")
    assert config.default.type == block.get("type", "agent")
    assert config.default.internal_task_gateway is None


@pytest.mark.parametrize(
    "text", ["", "# nothing\n", "---\n", "null\n", "db: {}\n", "resource_manager:\n", "port: 8080\n"]
)
def test_what_the_master_adds_by_default(text: str) -> None:
    config = parse(text, "master.yaml")
    default = config.default
    assert (default.name, default.type, default.internal_task_gateway) == ("default", "agent", None)
    assert (default.resource_pools, config.additional) == ((ResourcePool("default", 100),), ())


def test_a_block_without_a_value_is_no_gateway() -> None:
    text = "resource_manager:\n  type: kubernetes\n  internal_task_gateway:\n"
    assert parse(text, "master.yaml").default.internal_task_gateway is None
