"""Whether nodes can have IPv6 addresses, according to the kernel and the engine's network."""

import json
from pathlib import Path

import pytest

from task_gateway_lab.clusters import ip_family


@pytest.mark.parametrize(("text", "reason"), [("0\n", ""), ("1\n", "IPv6 is disabled on this host")])
def test_the_kernel_says_whether_it_is_disabled(tmp_path: Path, text: str, reason: str) -> None:
    file = tmp_path / "disable_ipv6"
    file.write_text(text)
    found = ip_family.lacking_in_kernel(file)
    assert found.startswith(reason)
    assert bool(found) == bool(reason)


def test_a_kernel_without_ipv6(tmp_path: Path) -> None:
    assert "no IPv6" in ip_family.lacking_in_kernel(tmp_path / "absent")


@pytest.mark.parametrize(
    ("network", "there"),
    [
        ({"subnets": [{"subnet": "10.89.0.0/24"}, {"subnet": "fdad:d9f6::/64"}]}, True),
        ({"subnets": [{"subnet": "10.89.0.0/24"}]}, False),
        ({"IPAM": {"Config": [{"Subnet": "172.18.0.0/16"}, {"Subnet": "fc00:f853::/64"}]}}, True),
        ({"IPAM": {"Config": [{"Subnet": "172.18.0.0/16"}]}}, False),
        ({"IPAM": {"Config": None}}, False),
    ],
)
def test_a_network_has_ipv6_if_one_of_its_subnets_has(network: object, there: bool) -> None:
    assert ip_family.has_ipv6_subnet(json.dumps([network])) is there
