"""Checks of the Gateway and its proxies, in states that are hard to create in a cluster."""

import pytest
from tests.unit.checks.objects import Make, make_condition, workload
from tests.unit.memory import CLASS, Memory

from task_gateway.checks import base, gateway
from task_gateway.checks.base import Finding
from task_gateway.controllers.base import CONTROLLERS
from task_gateway.model import Address, Manifest
from task_gateway.routing import names
from task_gateway.routing.gateway_api import GATEWAY
from task_gateway.routing.reach import Answer


def test_the_address_is_compared_as_an_address_and_host_names_are_looked_up(
    snapshot: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def status(*values: str) -> Manifest:
        return {"status": {"addresses": [{"value": each} for each in values]}}

    names = {"elb.example.com": {"192.0.2.7"}}
    monkeypatch.setattr(gateway, "resolve", lambda host: names.get(host, {host}))
    assert gateway.address(snapshot(gateway_object=status("192.0.2.7"))) is None
    assert gateway.address(snapshot(gateway_object=status("198.51.100.1", "elb.example.com"))) is None
    said = gateway.address(snapshot(gateway_object=status("198.51.100.1")))
    assert said == Finding("gateway_ip is 192.0.2.7, the Gateway has 198.51.100.1")
    said = gateway.address(snapshot(gateway_object={}))
    assert said == Finding("gateway_ip is 192.0.2.7, the Gateway has no address")


def test_a_host_name_that_nobody_knows_is_said(snapshot: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway, "resolve", lambda _: set())
    said = gateway.address(snapshot(gateway_object={}))
    assert said == Finding("gateway_ip 192.0.2.7 cannot be resolved on this machine")


def test_one_address_has_many_spellings() -> None:
    assert gateway.resolve("2001:DB8:0::1") == {"2001:db8::1"}
    assert "127.0.0.1" in gateway.resolve("localhost")
    assert gateway.resolve("no-such-host.invalid") == set()


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        (Answer.TALKS, True),
        (Answer.CLOSED, True),
        (Answer.SILENT, True),
        (Answer.REFUSED, False),
        (Answer.UNREACHABLE, False),
    ],
)
def test_a_port_of_the_range_is_tried_before_others(
    snapshot: Make, monkeypatch: pytest.MonkeyPatch, answer: Answer, right: bool
) -> None:
    tried = []

    def probe(at: Address) -> Answer:
        tried.append(str(at))
        return answer

    monkeypatch.setattr(gateway, "probe", probe)
    listeners = [{"name": f"l-{port}", "port": port} for port in (1024, 2003, 2004)]
    said = gateway.answers(snapshot(gateway_object={"spec": {"listeners": listeners}}))
    assert tried == ["192.0.2.7:2003"]
    assert said == (
        None if right else Finding(f"{tried[0]} {answer.value}", fix="curl --verbose telnet://192.0.2.7:2003")
    )
    said = gateway.answers(snapshot(gateway_object={"spec": {"listeners": listeners[:1]}}))
    fix = "curl --verbose telnet://192.0.2.7:1024"
    assert said == (None if right else Finding(f"192.0.2.7:1024 {answer.value}", fix=fix))


@pytest.mark.parametrize(("name", "tried"), [("foreign", False), ("det-2003", True)])
def test_contour_answers_nowhere_before_the_first_task(
    snapshot: Make, monkeypatch: pytest.MonkeyPatch, name: str, tried: bool
) -> None:
    monkeypatch.setattr(gateway, "probe", lambda _: Answer.REFUSED)
    listeners = [{"name": "placeholder", "port": 1024}, {"name": name, "port": 2003}]
    found = snapshot(gateway_object={"spec": {"listeners": listeners}}, controller=CONTROLLERS.get("contour"))
    said = gateway.answers(found)
    assert (said is not None) is tried


def waiting(reason: str, message: str) -> Manifest:
    container = {"name": "envoy", "ready": False, "state": {"waiting": {"reason": reason, "message": message}}}
    status = {"conditions": [make_condition("Ready", "False")], "containerStatuses": [container]}
    return {"metadata": {"name": "envoy-1"}, "status": status}


def test_a_proxy_that_is_not_there_is_told_with_the_reason_that_kubernetes_has() -> None:
    assert base.unavailable([workload(availableReplicas=1)]) is None
    assert base.unavailable([{**workload(numberAvailable=1), "kind": "DaemonSet"}]) is None
    refused = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "exceeded quota"}
    assert base.unavailable([workload(conditions=[refused])]) == (
        "no pod of Deployment n/envoy is available: FailedCreate: exceeded quota"
    )
    pulling = waiting("ImagePullBackOff", "Back-off pulling image")
    assert base.unavailable([workload()], [pulling]) == (
        "no pod of Deployment n/envoy is available: "
        "Pod envoy-1: container envoy: ImagePullBackOff: Back-off pulling image"
    )


def test_a_gateway_without_a_proxy_is_told_with_its_condition(snapshot: Make) -> None:
    refused = make_condition("Programmed", "False") | {"reason": "AddressNotUsable"}
    gateway_object = {
        "metadata": {"generation": 1},
        "status": {"conditions": [make_condition("Accepted", "True"), refused]},
    }
    found = snapshot(controller=CONTROLLERS.get("envoy-gateway"), gateway_object=gateway_object)
    said = gateway.proxy(found)
    assert said is not None
    assert said.message == "the controller has created no proxy: Programmed is False (AddressNotUsable): so"
    assert gateway.proxy(snapshot(gateway_object=gateway_object)) is None


def test_a_proxy_without_a_service_leads_to_the_controllers_log(snapshot: Make) -> None:
    status = {"conditions": [make_condition("Programmed", "False") | {"reason": "AddressNotUsable"}]}
    found = snapshot(
        gateway_object={"metadata": {}, "status": status},
        controller=CONTROLLERS.get("envoy-gateway"),
        proxies=[workload()],
        controllers=[workload()],
    )
    said = gateway.programmed(found)
    assert said is not None
    assert said.message == "Programmed is False (AddressNotUsable): so; the proxy has no Service"
    assert said.fix == "kubectl logs --namespace n --selector control-plane=envoy-gateway --tail 50"


@pytest.mark.parametrize(
    ("changed", "right"),
    [
        ({}, True),
        ({"targetRefs": None, "targetRef": {"kind": "Gateway", "name": "gw"}}, True),
        ({"healthCheck": {"panicThreshold": 1}}, False),
        ({"healthCheck": {"active": {}}}, False),
        ({"targetRefs": [{"kind": "Gateway", "name": "gw", "sectionName": "a"}]}, False),
        ({"targetRefs": [{"kind": "TCPRoute", "name": "gw"}]}, False),
        ({"targetRefs": [{"kind": "Gateway", "name": "other"}]}, False),
    ],
)
def test_the_proxy_must_not_connect_to_pods_that_are_not_ready(snapshot: Make, changed: Manifest, right: bool) -> None:
    memory, controller = Memory(), CONTROLLERS.get("envoy-gateway")
    spec = {"targetRefs": [{"kind": "Gateway", "name": "gw"}], "healthCheck": {"panicThreshold": 0}}
    memory.put(controller.readiness_policy, {"spec": spec | changed}, "any", "ns")
    said = gateway.readiness(snapshot(kube=memory, controller=controller))
    told = Finding("no BackendTrafficPolicy of Gateway ns/gw sets healthCheck.panicThreshold to 0")
    assert said == (None if right else told)


@pytest.mark.parametrize(("target", "right"), [("slots", True), ("gw", False)])
def test_the_policy_of_a_lane_is_that_of_the_gateway_with_its_slots(snapshot: Make, target: str, right: bool) -> None:
    memory, controller = Memory(), CONTROLLERS.get("envoy-gateway")
    spec = {"targetRefs": [{"kind": "Gateway", "name": target}], "healthCheck": {"panicThreshold": 0}}
    memory.put(controller.readiness_policy, {"spec": spec}, "any", "ns")
    memory.put(GATEWAY, {"spec": {"gatewayClassName": CLASS}}, "slots", "ns")
    lane = {"metadata": {"annotations": {names.SERVED_BY: "slots"}}}
    said = gateway.readiness(snapshot(kube=memory, controller=controller, gateway_object=lane))
    told = Finding("no BackendTrafficPolicy of Gateway ns/slots sets healthCheck.panicThreshold to 0")
    assert said == (None if right else told)


def test_a_policy_of_another_namespace_does_not_count_and_contour_needs_none(snapshot: Make) -> None:
    memory, controller = Memory(), CONTROLLERS.get("envoy-gateway")
    spec = {"targetRefs": [{"kind": "Gateway", "name": "gw"}], "healthCheck": {"panicThreshold": 0}}
    memory.put(controller.readiness_policy, {"spec": spec}, "any", "elsewhere")
    assert gateway.readiness(snapshot(kube=memory, controller=controller)) is not None
    assert gateway.readiness(snapshot(controller=CONTROLLERS.get("contour"))) is None
