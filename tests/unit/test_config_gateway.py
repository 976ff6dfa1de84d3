"""The rules of a gateway's keys in a master configuration, and of the ranges of several gateways."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.master_file import GW, Change, another, changed, gateway, messages, problems, problems_of

from task_gateway.config import parse

GW_LINE = 16
LABEL = "is not a Kubernetes label: 1 to 63 lower-case letters, digits and '-', with a letter or digit at both ends"
HOST = "expected an address without scheme and port"


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
    assert messages(changed(change)) == [expected]


@pytest.mark.parametrize(("shared", "same"), [("cluster_name", "eastern"), ("kubeconfig_path", "/etc/east")])
def test_ranges_of_one_gateway_must_not_overlap(shared: str, same: str) -> None:
    assert messages(changed(another(**{shared: same}))) == [
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
