"""The ports of a Service at an address, from its external IPs or those of a load balancer."""

import pytest

from task_gateway.kube.services import outside_addresses, ports_at
from task_gateway.model import Manifest

HOST, RANGE = "192.0.2.7", range(20000, 20016)
SPEC = {"ports": [{"port": 20003}, {"port": 443}, {"port": 20001}]}


@pytest.mark.parametrize(
    ("service", "found"),
    [
        ({"spec": SPEC | {"externalIPs": ["192.0.2.6", HOST]}}, [20001, 20003]),
        ({"spec": SPEC, "status": {"loadBalancer": {"ingress": [{"ip": HOST}]}}}, [20001, 20003]),
        ({"spec": SPEC, "status": {"loadBalancer": {"ingress": [{"hostname": "lb.example.com"}]}}}, []),
        ({"spec": SPEC | {"externalIPs": ["192.0.2.6"]}, "status": {"loadBalancer": {}}}, []),
        ({"spec": {"clusterIP": "None"}, "status": {}}, []),
        ({"spec": {"externalIPs": [HOST]}}, []),
    ],
)
def test_ports_at_an_address(service: Manifest, found: list[int]) -> None:
    assert ports_at(service, HOST, RANGE) == found


def test_a_load_balancer_is_had_by_address_or_by_name() -> None:
    ingress = [{"ip": HOST, "hostname": "not.used"}, {"hostname": "lb.example.com"}, {}]
    assert outside_addresses({"spec": {}, "status": {"loadBalancer": {"ingress": ingress}}}) == [HOST, "lb.example.com"]
