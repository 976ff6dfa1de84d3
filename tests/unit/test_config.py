"""The rules of a master configuration: one base file, and what is said about each change to it."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from task_gateway.config import parse
from task_gateway.errors import ConfigError, Problem
from task_gateway.model import InternalTaskGateway, ResourcePool

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
GW_LINE = 16
LABEL = "is not a Kubernetes label: 1 to 63 lower-case letters, digits and '-', with a letter or digit at both ends"
HOST = "expected an address without scheme and port"

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


def said(text: str) -> list[str]:
    return [str(problem).removeprefix("master.yaml:") for problem in problems(text)]


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
    ("change", "start", "end"),
    [
        (gateway(gateway_port_range_start=None), 32768, 65535),
        (gateway(gateway_port_range_end=None), 30000, 65535),
        (gateway(gateway_port_range_start=1025, gateway_port_range_end=1025), 1025, 1025),
        (gateway(gateway_port_range_end=65535), 30000, 65535),
    ],
)
def test_ends_of_the_range_are_inclusive_and_have_defaults(change: Change, start: int, end: int) -> None:
    def both(document: dict[str, Any]) -> None:
        if start == 32768:
            gateway(gateway_port_range_end=None)(document)
        change(document)

    found = parse(changed(both), "master.yaml").additional[0].internal_task_gateway
    assert found is not None
    assert (found.gateway_port_range_start, found.gateway_port_range_end) == (start, end)


@pytest.mark.parametrize(
    "host",
    ["203.0.113.10", "2001:db8::1", "gateway", "gateway.example.com", "gateway.example.com.", "My-Host"],
)
def test_addresses_and_host_names_pass(host: str) -> None:
    config = parse(changed(gateway(gateway_ip=host)), "master.yaml")
    found = config.additional[0].internal_task_gateway
    assert found is not None
    assert found.gateway_ip == host


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            gateway(gateway_name=None),
            f"{GW_LINE}: {GW}.gateway_name: is missing: the name of the Gateway object",
        ),
        (
            gateway(gateway_namespace=None),
            f"{GW_LINE}: {GW}.gateway_namespace: is missing: the namespace of the Gateway object",
        ),
        (
            gateway(gateway_ip=None),
            f"{GW_LINE}: {GW}.gateway_ip: is missing: "
            "the IP address or host name at which the master reaches the gateway",
        ),
        (gateway(gateway_name="My_Gateway"), f"17: {GW}.gateway_name: 'My_Gateway' {LABEL}"),
        (gateway(gateway_name=""), f"17: {GW}.gateway_name: '' {LABEL}"),
        (gateway(gateway_namespace="-x"), f"18: {GW}.gateway_namespace: '-x' {LABEL}"),
        (gateway(gateway_namespace="a.b"), f"18: {GW}.gateway_namespace: 'a.b' {LABEL}"),
        (
            gateway(gateway_name=7),
            f"17: {GW}.gateway_name: expected a string, found an integer (7) (put it in quotes)",
        ),
        (gateway(gateway_name=["gw"]), f"17: {GW}.gateway_name: expected a string, found a list"),
        (gateway(gateway_ip=""), f"19: {GW}.gateway_ip: is empty; {HOST}"),
        (
            gateway(gateway_ip="http://gw"),
            f"19: {GW}.gateway_ip: 'http://gw' is neither an IP address nor a host name; {HOST}",
        ),
        (
            gateway(gateway_ip="300.1.1.1"),
            f"19: {GW}.gateway_ip: '300.1.1.1' is neither an IP address nor a host name; {HOST}",
        ),
        (
            gateway(gateway_ip=10.5),
            f"19: {GW}.gateway_ip: expected a string, found a number (10.5) (put it in quotes)",
        ),
        (
            gateway(gateway_port_range_start=1024),
            f"20: {GW}.gateway_port_range_start: expected a port from 1025 to 65535, found 1024",
        ),
        (
            gateway(gateway_port_range_end=65536),
            f"21: {GW}.gateway_port_range_end: expected a port from 1025 to 65535, found 65536",
        ),
        (
            gateway(gateway_port_range_end=-1),
            f"21: {GW}.gateway_port_range_end: expected a port from 1025 to 65535, found -1",
        ),
        (
            gateway(gateway_port_range_start=True),
            f"20: {GW}.gateway_port_range_start: expected an integer, found a boolean (true)",
        ),
        (
            gateway(gateway_port_range_start="30000"),
            f"20: {GW}.gateway_port_range_start: expected an integer, found a string ('30000')",
        ),
        (
            gateway(gateway_port_range_start=3e4 + 0.5),
            f"20: {GW}.gateway_port_range_start: expected an integer, found a number (30000.5)",
        ),
        (
            gateway(gateway_port_range_start=30064),
            f"20: {GW}.gateway_port_range_start: gateway_port_range_start 30064 is above "
            "gateway_port_range_end 30063; the start comes first",
        ),
        (
            gateway(gateway_port_range_start=None),
            f"20: {GW}.gateway_port_range_end: gateway_port_range_start 32768 (the default) is above "
            "gateway_port_range_end 30063; the start comes first",
        ),
        (
            gateway(gateway_port="30000"),
            f"22: {GW}.gateway_port: is not a key of internal_task_gateway; did you mean gateway_ip?",
        ),
        (
            gateway(zzz=1),
            f"22: {GW}.zzz: is not a key of internal_task_gateway; known keys: "
            "gateway_name, gateway_namespace, gateway_ip, gateway_port_range_start, gateway_port_range_end",
        ),
    ],
)
def test_rule_of_the_gateway(change: Change, expected: str) -> None:
    assert said(changed(change)) == [expected]


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
    assert expected in said(changed(change))


def test_names_of_additional_resource_managers_are_required() -> None:
    def unnamed(document: dict[str, Any]) -> None:
        del east(document)["name"]
        del east(document)["cluster_name"]

    assert said(changed(unnamed)) == [
        f"9: {RM}.cluster_name: is missing: the name that tells this resource manager from the others"
    ]


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


@pytest.mark.parametrize(("shared", "same"), [("cluster_name", "eastern"), ("kubeconfig_path", "/etc/east")])
def test_ranges_of_one_gateway_must_not_overlap(shared: str, same: str) -> None:
    assert said(changed(another(**{shared: same}))) == [
        f"36: {GW.replace('[0]', '[1]')}.gateway_port_range_start: "
        "ports 30063 to 30063 belong to resource manager 'east' already: "
        f"both use Gateway gw-ns/gw of the same cluster (same {shared})"
    ]


def test_without_a_cluster_of_their_own_both_are_of_the_masters() -> None:
    def change(document: dict[str, Any]) -> None:
        another()(document)
        for item in document["additional_resource_managers"]:
            del item["resource_manager"]["kubeconfig_path"]
            del item["resource_manager"]["cluster_name"]

    (found,) = problems(changed(change))
    assert found.message.endswith("of the same cluster (both the master's own)")


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"gateway_ip": "203.0.113.10"},
        {"cluster_name": "eastern", "gateway_name": "other"},
        {"cluster_name": "eastern", "gateway_namespace": "other"},
        {"cluster_name": "eastern", "gateway_port_range_start": 30064},
    ],
)
def test_gateways_are_told_apart_by_cluster_namespace_and_name(keys: dict[str, object]) -> None:
    assert len(parse(changed(another(**keys)), "master.yaml").additional) == 2


ports = st.integers(1025, 1045)


@given(st.tuples(ports, ports).map(sorted), st.tuples(ports, ports).map(sorted))
def test_an_overlap_is_found_exactly_where_a_port_is_shared(one: list[int], other: list[int]) -> None:
    def change(document: dict[str, Any]) -> None:
        another(cluster_name="eastern", gateway_port_range_start=other[0], gateway_port_range_end=other[1])(document)
        gateway(gateway_port_range_start=one[0], gateway_port_range_end=one[1])(document)

    shared = sorted(set(range(one[0], one[1] + 1)) & set(range(other[0], other[1] + 1)))
    expected = [f"ports {shared[0]} to {shared[-1]}"] if shared else []
    found = [problem.message.partition(" belong")[0] for problem in problems_of(changed(change))]
    assert found == expected
