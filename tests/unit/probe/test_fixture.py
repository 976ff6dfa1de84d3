"""The objects of the probe: free ports, its own Gateway or a part of another one, and no object is left behind."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.unit.probe.memory import CLASS, GATEWAY_CLASS, ProbeMemory

from task_gateway.errors import ScenarioFailed, UsageError
from task_gateway.kube.kinds import POD, SERVICE
from task_gateway.model import Manifest
from task_gateway.probe import fixture as staged
from task_gateway.probe import objects
from task_gateway.probe.fixture import ADDED, FIRST, ProbeFixture, ProbeOptions, probe_fixture
from task_gateway.routing.gateway_api import GATEWAY, LISTENER_SET, ROUTES

OWN = ProbeOptions("image", gateway_class="klass", address="192.0.2.7")
THEIRS = ProbeOptions("image", gateway="gateways/gw")


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing runs that could be waited for."""
    for name in ("wait_for", "wait_until_gone", "wait_until_usable"):
        monkeypatch.setattr(staged, name, lambda *_: None)


def service(name: str, *ports: int, **spec: Any) -> Manifest:
    meta = {"name": name, "namespace": "else"}
    return {"metadata": meta, "spec": {"ports": [{"port": port} for port in ports], **spec}}


def with_gateway(memory: ProbeMemory, *ports: int, **spec: Any) -> Manifest:
    found = objects.gateway({"name": "gw", "namespace": "gateways"}, gatewayClassName="klass", **spec)
    found["spec"]["listeners"] = [objects.listener(f"theirs-{port}", port) for port in ports]
    memory.there[GATEWAY, "gateways", "gw"] = found
    return found


def quiet(_: str) -> None:
    pass


def test_ports_that_a_service_has_outside_are_left_alone() -> None:
    memory = ProbeMemory()
    memory.there[SERVICE, "else", "a"] = service("a", 29001, externalIPs=["192.0.2.7"])
    memory.there[SERVICE, "else", "b"] = service("b", 29002, clusterIP="10.0.0.1")
    lb = {"loadBalancer": {"ingress": [{"hostname": "lb.example.com"}]}}
    memory.there[SERVICE, "else", "c"] = service("c", 29003) | {"status": lb}
    assert ProbeFixture(memory.kube(), OWN).ports == [29000, 29002, 29004]
    with pytest.raises(UsageError, match="no 3 free ports from 65534 on"):
        ProbeFixture(memory.kube(), ProbeOptions("image", gateway_class="klass", first_port=65534))


def test_of_another_gateway_the_ports_of_its_service_are_the_probes() -> None:
    memory = ProbeMemory()
    with_gateway(memory, 29000)
    memory.there[SERVICE, "else", "envoy"] = service("envoy", 29000, 29001, 29002, externalIPs=["192.0.2.7"])
    sets = {"spec": {"listeners": [{"port": 29002}]}, "metadata": {"name": "s"}}
    memory.there[LISTENER_SET, "gateways", "s"] = sets
    made = ProbeFixture(memory.kube(), THEIRS)
    assert made.ports == [29001, 29003, 29004]
    made.set_up(quiet)
    assert made.had_port


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (ProbeOptions("image", gateway_class="none"), "no GatewayClass 'none'"),
        (ProbeOptions("image", gateway="gateways/none"), "no Gateway 'gateways/none'"),
        (ProbeOptions("image", gateway="none"), "no Gateway 'none'"),
    ],
)
def test_what_is_not_there_is_refused_before_anything_is_made(asked: ProbeOptions, said: str) -> None:
    memory = ProbeMemory()
    with pytest.raises(UsageError, match=said), probe_fixture(memory.kube(), asked, quiet):
        pass
    assert memory.log == []


def test_a_gateway_of_its_own_has_the_class_the_address_and_lets_listener_sets_in() -> None:
    memory = ProbeMemory()
    made = ProbeFixture(memory.kube(), OWN)
    made.set_up(quiet)
    found = made.gateway()
    assert made.namespace == f"task-gateway-{made.probe}"
    assert found["spec"]["gatewayClassName"] == "klass"
    assert found["spec"]["addresses"] == [{"type": "IPAddress", "value": "192.0.2.7"}]
    assert found["spec"]["allowedListeners"] == {"namespaces": {"from": "Same"}}
    made.listen(ADDED)
    assert [each["port"] for each in made.gateway()["spec"]["listeners"]] == made.ports[:2]
    without = ProbeMemory(LISTENER_SET)
    older = ProbeFixture(without.kube(), OWN)
    older.listen(FIRST)
    assert "allowedListeners" not in older.gateway()["spec"]


@pytest.mark.parametrize("allowed", [None, {"namespaces": {"from": "All"}}])
def test_to_another_gateway_listeners_are_added_and_nothing_else(allowed: Manifest | None) -> None:
    memory = ProbeMemory()
    with_gateway(memory, 1024, **({"allowedListeners": allowed} if allowed else {}))
    made = ProbeFixture(memory.kube(), THEIRS)
    made.listen(FIRST)
    (part,) = memory.applied
    assert part["metadata"] == {"name": "gw", "namespace": "gateways"}
    assert part["spec"].keys() == {"listeners", *(() if allowed else ("allowedListeners",))}
    assert [each["name"] for each in part["spec"]["listeners"]] == [f"{made.probe}-29000"]


def end_well() -> None:
    pass


def fail() -> None:
    raise ScenarioFailed("no")


def interrupt() -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("asked", [OWN, THEIRS])
@pytest.mark.parametrize("end", [end_well, fail, interrupt])
def test_nothing_stays_however_it_ends(asked: ProbeOptions, end: Callable[[], None]) -> None:
    memory = ProbeMemory()
    with_gateway(memory, 1024)
    before = set(memory.there)
    seen: list[set[str]] = []
    try:
        with probe_fixture(memory.kube(), asked, quiet) as made:
            made.host = "192.0.2.7"
            made.listener_set(ADDED)
            seen.append({kind for kind, *_ in memory.there})
            end()
    except (ScenarioFailed, KeyboardInterrupt):
        assert end is not end_well
    assert {POD, SERVICE, ROUTES[0], LISTENER_SET} <= seen[0]
    assert set(memory.there) == before
    if asked is THEIRS:  # all that was added is given up at the end
        assert ["spec" in each for each in memory.applied] == [True, False]


def test_an_interrupt_while_it_is_set_up_leaves_nothing_either(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = ProbeMemory()
    monkeypatch.setattr(staged, "wait_for", lambda *_: interrupt())
    with pytest.raises(KeyboardInterrupt), probe_fixture(memory.kube(), OWN, quiet):
        pass
    assert set(memory.there) == {(GATEWAY_CLASS, None, "klass")}
    assert "create Namespace" in memory.log[0]


def test_what_cannot_be_removed_is_told_with_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    memory, told = ProbeMemory(), list[str]()
    monkeypatch.setattr(staged, "wait_until_gone", lambda *_: fail())
    with probe_fixture(memory.kube(), OWN, told.append) as made:
        pass
    assert told[-1].startswith("not all could be removed: no; kubectl delete namespace")
    assert told[-1].endswith(f"{objects.LABEL}={made.probe}")


def test_the_proxys_pods_are_those_behind_the_service_at_the_address() -> None:
    memory = ProbeMemory()
    made = ProbeFixture(memory.kube(), OWN)
    made.host = "192.0.2.7"
    assert made.proxies() == {}
    selector = {"app": "envoy"}
    memory.there[SERVICE, "else", "rival"] = service("rival", 443, externalIPs=[made.host], selector={"app": "web"})
    memory.there[SERVICE, "else", "proxy"] = service("proxy", 29000, externalIPs=[made.host], selector=selector)
    for name, app, namespace in (("one", "envoy", "else"), ("two", "web", "else"), ("three", "envoy", "away")):
        meta = {"name": name, "namespace": namespace, "uid": f"uid-{name}", "labels": {"app": app}}
        memory.there[POD, namespace, name] = {"metadata": meta}
    assert made.proxies() == {"uid-one": "one"}
    memory.there[SERVICE, "else", "proxy"]["spec"].pop("selector")
    assert made.proxies() == {}


def test_the_class_is_the_one_that_was_asked_for() -> None:
    assert ProbeFixture(ProbeMemory().kube(), OWN).gateway_class == CLASS
