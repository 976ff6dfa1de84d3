"""A correct master configuration, changes to it, and its problems, for the tests of the configuration's rules."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from task_gateway.config import parse
from task_gateway.errors import ConfigError, Problem

BASE: dict[str, Any] = {
    "db": {"host": "db.example.com"},
    "resource_manager": {"type": "kubernetes", "name": "home"},
    "resource_pools": [{"pool_name": "home"}],
    "additional_resource_managers": [
        {
            "resource_manager": {
                "type": "kubernetes",
                "name": "east",
                "cluster_name": "eastern",
                "kubeconfig_path": "/etc/east",
                "default_namespace": "tasks",
                "max_slots_per_pod": 8,
                "internal_task_gateway": {
                    "gateway_name": "gw",
                    "gateway_namespace": "gw-ns",
                    "gateway_ip": "203.0.113.10",
                    "gateway_port_range_start": 30000,
                    "gateway_port_range_end": 30063,
                },
            },
            "resource_pools": [{"pool_name": "east", "max_aux_containers_per_agent": 5}],
        }
    ],
}
RM = "additional_resource_managers[0].resource_manager"
GW = f"{RM}.internal_task_gateway"

Change = Callable[[dict[str, Any]], object]


def changed(change: Change) -> str:
    """Return the base file with a change, as YAML."""
    document = copy.deepcopy(BASE)
    change(document)
    return yaml.safe_dump(document, sort_keys=False)


def east(document: dict[str, Any]) -> dict[str, Any]:
    manager: dict[str, Any] = document["additional_resource_managers"][0]["resource_manager"]
    return manager


def gateway(**keys: object) -> Change:
    """Set keys of the gateway, and drop those that are None."""

    def change(document: dict[str, Any]) -> None:
        block = east(document)["internal_task_gateway"]
        for key, value in keys.items():
            if value is None:
                del block[key]
            else:
                block[key] = value

    return change


def another(**keys: object) -> Change:
    """Add a resource manager that shares one port with the first, in another cluster; `keys` are replaced."""

    def change(document: dict[str, Any]) -> None:
        item = copy.deepcopy(document["additional_resource_managers"][0])
        item["resource_pools"] = [{"pool_name": "west"}]
        item["resource_manager"] |= {
            "name": "west",
            "cluster_name": "western",
            "kubeconfig_path": "/etc/west",
        }
        block = item["resource_manager"]["internal_task_gateway"]
        block |= {"gateway_ip": "203.0.113.20", "gateway_port_range_start": 30063}
        block |= {"gateway_port_range_end": 30070}
        for key, value in keys.items():
            (block if key.startswith("gateway_") else item["resource_manager"])[key] = value
        document["additional_resource_managers"].append(item)

    return change


def problems_of(text: str) -> tuple[Problem, ...]:
    try:
        parse(text, "master.yaml")
    except ConfigError as error:
        return error.problems
    return ()


def problems(text: str) -> tuple[Problem, ...]:
    with pytest.raises(ConfigError) as caught:
        parse(text, "master.yaml")
    assert caught.value.exit_code == 2
    return caught.value.problems


def messages(text: str) -> list[str]:
    return [str(problem).removeprefix("master.yaml:") for problem in problems(text)]
