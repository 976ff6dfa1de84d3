"""Scenarios: gateway_ip is wrong, or is a host name, or an IPv6 address."""

import time
from ipaddress import ip_address

from task_gateway.errors import NotReachable, ScenarioFailed
from task_gateway.kube.client import kind_of
from task_gateway.kube.kinds import ENDPOINT_SLICE
from task_gateway.kube.wait import wait_until_usable
from task_gateway.model import Address, Manifest, Task
from task_gateway.settings import Wait
from task_gateway_lab.scenarios import runtime
from task_gateway_lab.scenarios.base import Scenario, ScenarioCase, Step, declare
from task_gateway_lab.scenarios.places import DEFAULT
from task_gateway_lab.scenarios.tasks import cell, end, start

MANAGER, GATEWAY = "east", "gateway-of-east"
WRONG, NAMED, SIX = "wrong-ip", "notebook-named", "notebook-ipv6"
NOBODY = "192.0.2.1"  # in the block for documentation: no host has it
PATIENCE = Wait("wrong-address", "a connection through the gateway reaches the task's pod", 10)


def expose_wrong_address(case: ScenarioCase) -> str:
    """Expose a task with an address that no host has: it fails in time, with an error that names the cause."""
    managed = case.environment.clusters[MANAGER]
    began = time.monotonic()
    try:
        managed.connect(host=NOBODY).expose(Task(WRONG, managed.namespace, (9000,)), wait=PATIENCE)
    except NotReachable as problem:
        return f"after {time.monotonic() - began:.0f} s: {problem.message}"
    raise ScenarioFailed(f"something answers at {NOBODY}")


def dial_by_name(case: ScenarioCase) -> str:
    """Create a host name for the gateway in the master's cluster, and make the master connect to the task with it."""
    environment, managed = case.environment, case.environment.clusters[MANAGER]
    home, namespace = environment.clusters[DEFAULT].kube, environment.spaces["master"]
    wait_until_usable(home, namespace)
    for obj in _name_objects(namespace, managed.block.gateway_ip):
        case.cleanup.callback(home.delete, kind_of(obj), obj["metadata"]["name"], namespace)
        home.create(obj)
    host = f"{GATEWAY}.{namespace}.svc.cluster.local"
    (address,) = managed.connect(host=host).expose(Task(NAMED, managed.namespace, (8888,)))
    environment.stand_in_master.proxy.register(NAMED, address)
    return f"the master connects to {address}"


def _name_objects(namespace: str, address: str) -> list[Manifest]:
    """Return the objects that give an external address a host name in a cluster."""
    metadata = {"name": GATEWAY, "namespace": namespace}
    label = {"kubernetes.io/service-name": GATEWAY}
    return [
        {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"clusterIP": "None"}},
        {
            "apiVersion": ENDPOINT_SLICE.rpartition("/")[0],
            "kind": "EndpointSlice",
            "metadata": metadata | {"labels": label},
            "addressType": "IPv4",
            "endpoints": [{"addresses": [address]}],
        },
    ]


def dial_by_ipv6(case: ScenarioCase) -> str:
    """Connect to the task at the node's IPv6 address, and make the master do the same."""
    managed = case.environment.clusters[MANAGER]
    host = next(each for each in runtime.node_addresses(managed.kube) if ip_address(each).version == 6)
    address = Address(host, case.state[SIX].address.port)
    runtime.reach.wait_until_answers(address)
    case.environment.stand_in_master.proxy.register(SIX, address)
    return f"the master connects to {address}"


declare(
    Scenario(
        name="wrong_gateway_ip",
        group="Configuration",
        sentence="With a wrong gateway_ip a task is reported as not reachable, with the cause, and nothing hangs.",
        tags=("configuration",),
        steps=(
            start("command", MANAGER, WRONG),
            Step(
                "exposed with a wrong address",
                expose_wrong_address,
                f"""# set gateway_ip: {NOBODY} in master.yaml
task-gateway check --config master.yaml""",
            ),
            end(WRONG),
        ),
    )
)
declare(
    Scenario(
        name="gateway_host_name",
        group="Configuration",
        sentence="gateway_ip may be a host name that the master resolves: a notebook works.",
        tags=("configuration", "notebook"),
        steps=(
            start("notebook", MANAGER, NAMED),
            Step(
                "the master connects to a host name",
                dial_by_name,
                f"""# in the master's namespace: a headless Service {GATEWAY}, with an EndpointSlice of the gateway
# set gateway_ip: {GATEWAY}.$master_namespace.svc.cluster.local in master.yaml
task-gateway config validate master.yaml""",
            ),
            cell(NAMED),
            end(NAMED),
        ),
    )
)
declare(
    Scenario(
        name="gateway_ipv6",
        group="Configuration",
        sentence="gateway_ip may be an IPv6 address if nodes have one: a notebook works.",
        needs=("ipv6",),
        tags=("configuration", "notebook"),
        steps=(
            start("notebook", MANAGER, SIX),
            Step(
                "the master connects to an IPv6 address",
                dial_by_ipv6,
                "# set gateway_ip to the node's IPv6 address in master.yaml",
            ),
            cell(SIX),
            end(SIX),
        ),
    )
)
