"""The scheduling gate of a Determined master's pods: which pods get it, when it is removed, and without an operator.

No kubelet and no controller runs: the EndpointSlice of the operator's Service is written here.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.apiserver import determined
from tests.apiserver.determined import DeterminedMaster
from tests.apiserver.determined_lanes import START, LaneSite, installed, plane, values
from tests.apiserver.operators import HOME, TASKS, scraped, until
from tests.apiserver.planes import apply_chart

from task_gateway.checks.determined import ROUTE
from task_gateway.kube.kinds import ENDPOINT_SLICE, POD
from task_gateway.model import Manifest
from task_gateway.operator.determined import gates
from task_gateway.routing.determined_lane import GATE

TRIAL = 1734


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LaneSite]:
    with plane("gate") as kube:
        made = installed(kube, tmp_path_factory.mktemp("gate"), 6, schedulingGate=True)
        apply_chart(kube, "gw", HOME, values(6, schedulingGate=True), "operator/determined/gate", "operator/metrics")
        kube.create(endpoint_slice())
        ready(made, True)
        until(lambda: is_held(made, "probe", dry_run=True))  # a policy takes effect a moment after its creation
        yield made


@pytest.fixture
def site(whole: LaneSite) -> Iterator[LaneSite]:
    whole.clean()
    ready(whole, True)
    until(lambda: is_held(whole, "probe", dry_run=True))
    yield whole
    whole.clean()


@pytest.fixture
def master(site: LaneSite) -> DeterminedMaster:
    return site.new_master()


def endpoint_slice() -> Manifest:
    """Return the EndpointSlice that Kubernetes creates for the operator's Service."""
    labels = {"kubernetes.io/service-name": "gw-operator"}
    meta = {"name": "gw-operator-1", "namespace": HOME, "labels": labels}
    return {
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": meta, "addressType": "IPv4",
        "endpoints": [], "ports": [{"name": "metrics", "port": 8080}],
    }  # fmt: skip


def ready(site: LaneSite, *states: bool) -> None:
    """Write which replicas of the operator are Ready, as the kubelet would."""
    endpoints = [
        {"addresses": [f"10.0.0.{number}"], "conditions": {"ready": state}} for number, state in enumerate(states, 1)
    ]
    site.kube.patch(ENDPOINT_SLICE, "gw-operator-1", HOME, {"endpoints": endpoints})


def pod(site: LaneSite, allocation: str, *ports: int, dry_run: bool = False, **labels: str) -> Manifest:
    """Create the pod of a task with these container ports, like the Job controller."""
    found = labels or {determined.LABEL: allocation}
    meta = {"name": determined.job_name(allocation), "namespace": TASKS, "labels": found}
    container: dict[str, Any] = {"name": "determined-container", "image": "none"}
    container["ports"] = [{"containerPort": port} for port in ports]
    spec = {"containers": [container], "terminationGracePeriodSeconds": 0}
    return site.kube.create({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}, dry_run=dry_run)


def has_gate(found: Manifest) -> bool:
    return GATE in [each["name"] for each in found["spec"].get("schedulingGates") or []]


def is_held(site: LaneSite, allocation: str, *, dry_run: bool = False) -> bool:
    return has_gate(pod(site, allocation, 8888, dry_run=True) if dry_run else site.kube.get(POD, allocation, TASKS))


@pytest.mark.parametrize(
    ("ports", "held"), [((), False), ((TRIAL,), False), ((8888,), True), ((TRIAL, 6006), True), ((8888, 8889), True)]
)
def test_only_a_task_with_ports_is_held(site: LaneSite, ports: tuple[int, ...], held: bool) -> None:
    assert has_gate(pod(site, "one", *ports, dry_run=True)) is held


def test_a_pod_of_nobody_is_not_held(site: LaneSite) -> None:
    assert not has_gate(pod(site, "one", 8888, dry_run=True, app="other"))


@pytest.mark.parametrize("states", [(), (False,), (False, False)])
def test_without_a_ready_operator_nothing_is_held(site: LaneSite, states: tuple[bool, ...]) -> None:
    ready(site, *states)
    until(lambda: not is_held(site, "probe", dry_run=True))


def test_one_ready_replica_is_enough(site: LaneSite) -> None:
    ready(site, False, True)
    until(lambda: is_held(site, "probe", dry_run=True))


def test_the_gate_is_lifted_once_each_port_has_its_route(site: LaneSite, master: DeterminedMaster) -> None:
    assert has_gate(pod(site, "one", 8888))
    with site.operator() as operator:
        until(lambda: 'determined_held_pods{namespace="tasks"} 1' in scraped(operator))
        assert master.expose("one") == START
        until(lambda: not is_held(site, "one"))
        until(lambda: 'determined_held_pods{namespace="tasks"} 0' in scraped(operator))


def test_a_listener_without_its_route_keeps_the_pod(site: LaneSite, master: DeterminedMaster) -> None:
    pod(site, "one", 8888)
    with site.operator():
        master.expose("one")
        until(lambda: not is_held(site, "one"))
        site.kube.delete(POD, "one", TASKS)
        site.kube.delete(ROUTE, "one-0", TASKS)
        until(lambda: site.led() == {})
        pod(site, "one", 8888)
        master.expose("two")
        until(lambda: [task for task, _ in site.led().values()] == ["two"])
        assert is_held(site, "one")


def test_what_was_held_while_no_operator_ran_is_lifted_at_its_start(site: LaneSite, master: DeterminedMaster) -> None:
    pod(site, "one", 8888)
    master.expose("one")
    assert is_held(site, "one")
    with site.operator():
        until(lambda: not is_held(site, "one"))


def test_a_pod_whose_routes_never_come_starts_after_the_longest_wait(
    site: LaneSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gates, "MAX_GATED_SECONDS", 1.0)
    pod(site, "one", 8888)
    with site.operator():
        until(lambda: not is_held(site, "one"))


def test_gates_of_others_stay(site: LaneSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gates, "MAX_GATED_SECONDS", 0.0)
    meta = {"name": "one", "namespace": TASKS, "labels": {determined.LABEL: "one"}}
    container = {"name": "c", "image": "none", "ports": [{"containerPort": 8888}]}
    theirs = {"name": "example.com/theirs"}
    spec = {"containers": [container], "schedulingGates": [theirs], "terminationGracePeriodSeconds": 0}
    made = site.kube.create({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec})
    assert {each["name"] for each in made["spec"]["schedulingGates"]} == {theirs["name"], GATE}
    with site.operator():
        until(lambda: not is_held(site, "one"))
    assert site.kube.get(POD, "one", TASKS)["spec"]["schedulingGates"] == [theirs]
