"""Connections to tasks, Envoy and its controller: only the intended ones with the NetworkPolicies, all without."""

import socket
from functools import partial

import pytest
from tests.cluster.test_slots import PORT, greeting_of
from tests.faults.watching import until
from tests.policies.conftest import (
    NAMESPACE,
    NO_ANSWER,
    OPEN,
    POLICIES_SECONDS,
    REFUSED,
    RELEASE,
    TASKS,
    PolicySite,
    named,
)

from task_gateway.errors import Invalid
from task_gateway.model import Address
from task_gateway.routing.reach import Answer, probe, wait_until_answers
from task_gateway_lab.clusters.node import PROXY, Node

ADMIN = 19000
CONNECT_SECONDS = 15.0  # Envoy itself gives up on a pod after ten
# Not with urllib, which would normalize the path.
GET = """
import http.client, sys
host, port, path = sys.argv[1:]
connection = http.client.HTTPConnection(host, int(port), timeout=5)
connection.request("GET", path)
print(connection.getresponse().status)
"""
ADMIN_PATHS = ("/config_dump", "/certs", "/stats/prometheus/../../config_dump", "/ready/../config_dump")


def test_clients_outside_reach_every_task_through_the_gateway(site: PolicySite) -> None:
    assert {task: greeting_of(address) for task, address in site.exposed.items()} == {task: task for task in TASKS}


@pytest.mark.parametrize("pod", ["neighbour", "other-task", "stranger", "bystander"])
def test_pods_reach_an_exposed_task_through_the_gateway_alone(site: PolicySite, pod: str) -> None:
    assert site.connect(pod, site.at("task"), site.exposed["task"]) == [site.closed, OPEN]


@pytest.mark.parametrize("pod", ["task", "neighbour", "stranger", "bystander"])
def test_ports_of_envoy_and_its_controller_are_closed_to_pods(site: PolicySite, pod: str) -> None:
    ports = sorted(site.own.envoy)
    assert site.connect(pod, *map(site.envoy, ports)) == [site.closed] * len(ports)
    control = [site.control(port) for port in (site.own.xds, site.own.controller_metrics)]
    assert site.connect(pod, *control) == [site.closed] * len(control)


def test_who_is_named_in_the_values_reaches_tasks_and_figures_and_no_more(site: PolicySite) -> None:
    allowed = [*map(site.at, TASKS), site.envoy(site.own.metrics), site.control(site.own.controller_metrics)]
    assert site.connect("scraper", *allowed) == [OPEN] * len(allowed)
    others = [site.control(site.own.xds), *map(site.envoy, site.own.envoy - {site.own.metrics})]
    assert site.connect("scraper", *others) == [site.closed] * len(others)


def test_pods_that_are_no_task_are_left_alone(site: PolicySite) -> None:
    places = [site.at("neighbour"), site.at("scraper")]
    for pod in ("task", "other-task", "stranger"):
        assert site.connect(pod, *places) == [OPEN, OPEN]


def test_envoy_reaches_no_pod_that_is_no_task(site: PolicySite) -> None:
    namespace, first = TASKS["task"]
    taken = site.exposed["task"].port
    port = next(each for each in (first, first + 1) if each != taken)
    spec = {"selector": {"role": "neighbour"}, "ports": [{"port": port, "targetPort": PORT}]}
    site.kube.patch("v1/Service", f"{RELEASE}-slot-{port}", namespace, {"spec": spec}, strategic=True)
    address = Address(site.address, port)
    if site.enforced:
        assert probe(address, CONNECT_SECONDS) is not Answer.TALKS
    else:
        wait_until_answers(address)
        assert greeting_of(address) == "neighbour"


def test_envoys_admin_interface_is_there_and_nobody_else_reaches_it(site: PolicySite) -> None:
    assert "200 OK" in administered(site)
    outside = listened_at(site)
    slots = {inside(site, port) for _, first in TASKS.values() for port in range(first, first + 3)}
    assert ADMIN not in outside
    assert outside - slots <= site.own.envoy | of_nobody(site)
    # With Contour it is a file, not a port that a policy could close.
    closed = NO_ANSWER if site.enforced and site.controller == "envoy-gateway" else REFUSED
    for pod in ("task", "neighbour", "stranger", "scraper"):
        direct, through = site.connect(pod, site.envoy(ADMIN), Address(site.address, ADMIN))
        assert direct == closed
        assert through == REFUSED
    assert probe(Address(site.address, ADMIN)) is Answer.REFUSED


def test_ports_for_figures_and_readiness_answer_no_question_of_administration(site: PolicySite) -> None:
    ports = sorted(site.own.envoy)
    reached = site.connect("scraper", *map(site.envoy, ports))
    served = [port for port, state in zip(ports, reached, strict=True) if state == OPEN]
    assert site.own.metrics in served
    for place in map(site.envoy, served):
        for path in ADMIN_PATHS:
            status = int(site.run("scraper", GET, place.host, str(place.port), path))
            assert status >= 300, (place, path)


def test_no_slot_can_be_led_to_the_admin_interface(site: PolicySite) -> None:
    """Kubernetes accepts no endpoint with Envoy's loopback address."""
    namespace, first = TASKS["task"]
    labels = {"kubernetes.io/service-name": f"{RELEASE}-slot-{first}"}
    made = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": "admin", "namespace": namespace, "labels": labels},
        "addressType": "IPv4",
        "endpoints": [{"addresses": ["127.0.0.1"]}],
        "ports": [{"port": ADMIN}],
    }
    with pytest.raises(Invalid, match="loopback"):
        site.kube.create(made, dry_run=True)


def test_a_new_envoy_finds_its_controller_and_the_tasks(site: PolicySite) -> None:
    site.new_envoy()
    for task, address in site.exposed.items():
        wait_until_answers(address)
        assert greeting_of(address) == task


def test_source_ranges_hold_at_envoy_by_the_policy_alone(site: PolicySite) -> None:
    address = site.exposed["task"]
    outside = Answer.UNREACHABLE if site.enforced else Answer.TALKS

    def unlike(wanted: Answer) -> str:
        found = probe(address)
        return "" if found is wanted else f"{address} {found.value}"

    for ranges, wanted in (([own_address(address) + "/32"], Answer.TALKS), (["192.0.2.0/24"], outside)):
        service = {"externalTrafficPolicy": "Local", "loadBalancerSourceRanges": ranges}
        site.upgrade(**named(site.enforced), service=service)
        until(partial(unlike, wanted), POLICIES_SECONDS)
    site.upgrade(**named(site.enforced))
    until(partial(unlike, Answer.TALKS), POLICIES_SECONDS)


def own_address(address: Address) -> str:
    """Return the address of this host on the route to another address."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:
        way.connect((address.host, address.port))
        return str(way.getsockname()[0])


def in_envoys_network(site: PolicySite, *words: str) -> str:
    node = Node.running(site.cluster)
    return node.run("nsenter", "--net", "--target", node.process(PROXY), *words)


def administered(site: PolicySite) -> str:
    """Return the response of Envoy's admin interface, at its pod's loopback address or at a Unix socket."""
    node = Node.running(site.cluster)
    if site.controller == "contour":
        file = f"/proc/{node.process(PROXY)}/root/admin/admin.sock"
        return node.run("curl", "--silent", "--include", "--unix-socket", file, "http://localhost/server_info")
    return in_envoys_network(site, "curl", "--silent", "--include", f"http://127.0.0.1:{ADMIN}/server_info")


def listened_at(site: PolicySite) -> set[int]:
    """Return the TCP ports of Envoy's pod that do not only listen on loopback."""
    lines = in_envoys_network(site, "ss", "--no-header", "--tcp", "--listening", "--numeric").splitlines()
    places = [line.split()[3].rsplit(":", 1) for line in lines]
    return {int(port) for host, port in places if host not in ("127.0.0.1", "[::1]")}


def inside(site: PolicySite, port: int) -> int:
    """Return the port at which Envoy listens for a port of the gateway."""
    return port + 8000 if site.controller == "contour" else port


def of_nobody(site: PolicySite) -> set[int]:
    """Return the ports at which Envoy listens for the placeholder; none if slots are the Gateway's own listeners."""
    listeners = site.kube.get("gateway.networking.k8s.io/v1/Gateway", RELEASE, NAMESPACE)["spec"]["listeners"]
    return {inside(site, int(each["port"])) for each in listeners if each["name"] == "placeholder"}
