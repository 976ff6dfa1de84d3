"""The result of each requirement, in states that are hard to create with a real controller."""

import time
from typing import Any

import pytest
from tests.unit.probe.memory import ProbeMemory
from tests.unit.probe.test_fixture import OWN, service

from task_gateway.errors import ScenarioFailed, WaitTimeout
from task_gateway.kube.kinds import SERVICE
from task_gateway.model import Address, Manifest
from task_gateway.probe import (
    address,
    endpoint_change,
    listener_set,
    listener_update,
    port_mapping,
    port_probe,
    route_removed,
    tcp_route,
)  # fmt: skip
from task_gateway.probe.base import Met, NotSupported
from task_gateway.probe.fixture import ProbeFixture
from task_gateway.reasons import Condition
from task_gateway.routing.gateway_api import GATEWAY, LISTENER_SET, ROUTES
from task_gateway.routing.reach import Answer
from task_gateway.settings import Wait


def late(state: str | Condition) -> WaitTimeout:
    return Wait("w", "it is there", 1).timed_out(state)


def raising(problem: Exception) -> Any:
    def call(*_: object) -> None:
        raise problem

    return call


@pytest.fixture
def scrambled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give every condition another sentence: what is decided must not depend on it."""
    monkeypatch.setattr(Condition, "__str__", lambda _: "in other words")


@pytest.fixture
def memory() -> ProbeMemory:
    return ProbeMemory()


@pytest.fixture
def made(memory: ProbeMemory) -> ProbeFixture:
    fixture = ProbeFixture(memory.kube(), OWN)
    fixture.host = "192.0.2.7"
    return fixture


def make_condition(type: str, status: str, reason: str = "Because") -> Manifest:
    return {"type": type, "status": status, "reason": reason, "message": "so"}


def test_an_address_that_never_comes(made: ProbeFixture, memory: ProbeMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(address, "wait_for", raising(late("status.addresses has nothing")))
    gateway: Manifest = {"status": {"conditions": [make_condition("Accepted", "Unknown", "Pending")]}}
    memory.there[GATEWAY, made.namespace, made.gateway_name] = gateway
    assert address.check_address(made) == NotSupported(
        "no controller accepts the Gateway: status.addresses has nothing"
    )
    gateway["status"]["conditions"] = [
        make_condition("Accepted", "True"),
        make_condition("Programmed", "False", "AddressNotAssigned"),
    ]
    with pytest.raises(WaitTimeout):
        address.check_address(made)


@pytest.mark.parametrize(
    ("wanted", "there", "missing"),
    [
        ("", ["192.0.2.8"], None),
        ("192.0.2.7", ["192.0.2.8", "192.0.2.7"], None),
        ("192.0.2.7", ["192.0.2.8"], "status.addresses has 192.0.2.8; Programmed is False (Because): so"),
        ("", [], "status.addresses has nothing; Programmed is False (Because): so"),
    ],
)
def test_the_address_is_the_one_that_was_asked_for(
    memory: ProbeMemory, monkeypatch: pytest.MonkeyPatch, wanted: str, there: list[str], missing: str | None
) -> None:
    made = ProbeFixture(memory.kube(), type(OWN)("image", gateway_class="klass", address=wanted))
    status = {"addresses": [{"value": each} for each in there], "conditions": [make_condition("Programmed", "False")]}
    told = []

    def wait_for(_kube: object, _wait: object, _kind: str, _name: str, _namespace: str, missing: Any) -> Manifest:
        told.append(missing({"status": status}))
        if told[0] is not None:
            raise late(told[0])
        return {"status": status}

    monkeypatch.setattr(address, "wait_for", wait_for)
    memory.there[GATEWAY, made.namespace, made.gateway_name] = {"status": status}
    if missing is None:
        assert address.check_address(made) == Met(wanted or there[0])
    else:
        with pytest.raises(WaitTimeout):
            address.check_address(made)
    assert told == [missing]
    assert made.host == ("" if missing else wanted or there[0])


@pytest.mark.parametrize(
    ("state", "supported"),
    [
        (Condition("Accepted"), False),
        (Condition("Accepted", "False", "UnsupportedProtocol", "TCP"), False),
        (Condition("Accepted", "False", "NoMatchingParent", "no UnsupportedProtocol"), True),
        ("Accepted is False (UnsupportedProtocol): TCP", True),
    ],
)
@pytest.mark.usefixtures("scrambled")
def test_routes_that_nobody_knows_are_not_supported_and_those_refused_fail(
    made: ProbeFixture, monkeypatch: pytest.MonkeyPatch, state: str | Condition, supported: bool
) -> None:
    monkeypatch.setattr(tcp_route, "wait_for", raising(late(state)))
    if supported:
        with pytest.raises(WaitTimeout):
            tcp_route.check_tcp_route(made)
    else:
        assert isinstance(tcp_route.check_tcp_route(made), NotSupported)


def test_a_cluster_without_tcp_routes_supports_none() -> None:
    made = ProbeFixture(ProbeMemory(*ROUTES).kube(), OWN)
    found = tcp_route.check_tcp_route(made)
    assert isinstance(found, NotSupported)
    assert found.detail.endswith("is served")


def test_an_accepted_route_without_traffic_fails(made: ProbeFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcp_route, "wait_for", lambda *_: None)
    monkeypatch.setattr(port_probe, "wait_first_byte", raising(late("nothing answers")))
    monkeypatch.setattr(tcp_route, "probe", lambda _: Answer.REFUSED)
    with pytest.raises(ScenarioFailed, match=r"v1 is accepted, but 192\.0\.2\.7:29000 refused the connection"):
        tcp_route.check_tcp_route(made)


@pytest.mark.parametrize(("had", "words"), [(True, "which existed before"), (False, "which the controller added")])
def test_who_gave_the_service_its_port_is_told(
    made: ProbeFixture, memory: ProbeMemory, monkeypatch: pytest.MonkeyPatch, had: bool, words: str
) -> None:
    monkeypatch.setattr(port_probe, "wait_listening", lambda *_: None)
    assert port_mapping.check_port_mapping(made) == Met("192.0.2.7:29000 accepts connections, without a Service")
    memory.there[SERVICE, "else", "proxy"] = service("proxy", 29000, externalIPs=["192.0.2.7"])
    made.had_port = had
    assert port_mapping.check_port_mapping(made) == Met(f"Service else/proxy has port 29000, {words}")


def test_a_service_that_is_not_given_the_port_is_a_lack(
    made: ProbeFixture, memory: ProbeMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(port_probe, "wait_listening", raising(late("refused")))
    with pytest.raises(WaitTimeout):
        port_mapping.check_port_mapping(made)
    memory.there[SERVICE, "else", "proxy"] = service("proxy", 80, externalIPs=["192.0.2.7"])
    assert port_mapping.check_port_mapping(made) == NotSupported(
        "the listener has port 29000, no Service at 192.0.2.7 has it: else/proxy"
    )
    memory.there[SERVICE, "else", "proxy"] = service("proxy", 29000, externalIPs=["192.0.2.7"])
    with pytest.raises(WaitTimeout):
        port_mapping.check_port_mapping(made)


def test_an_endpoint_is_seen_gone_before_the_next_is_seen(
    made: ProbeFixture, memory: ProbeMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    def nothing(_: Address) -> float:
        seen.append("nothing")
        return 5.0

    def first_byte(_: Address, name: str) -> float:
        seen.append(name[-3:])
        return 5.0

    monkeypatch.setattr(port_probe, "wait_closed", nothing)
    monkeypatch.setattr(port_probe, "wait_first_byte", first_byte)
    monkeypatch.setattr(time, "perf_counter", lambda: 4.75)
    found = endpoint_change.measure_endpoint_change(made)
    assert seen == ["nothing", "two", "nothing", "one"] * (endpoint_change.SAMPLES // 2)
    assert isinstance(found, Met)
    assert found.seconds == dict.fromkeys(("reached", "reached_longest", "closed", "closed_longest"), 0.25)


@pytest.mark.parametrize(
    ("pods", "open_", "why"),
    [
        (["a"], True, None),
        (["a", "b"], True, "the proxy's pods were a, now a, b"),
        (["b"], False, "the proxy's pods were a, now b"),
        (["a"], False, "the open connection was cut"),
    ],
)
def test_a_roll_out_is_seen_by_pods_and_by_a_connection(
    made: ProbeFixture, monkeypatch: pytest.MonkeyPatch, pods: list[str], open_: bool, why: str | None
) -> None:
    states = iter([["a"], pods])
    monkeypatch.setattr(ProbeFixture, "proxies", lambda _: {f"uid-{name}": name for name in next(states)})
    monkeypatch.setattr(listener_update, "conversation", lambda _: Held())
    monkeypatch.setattr(listener_update, "talks", lambda _: open_)
    monkeypatch.setattr(listener_update, "SETTLE_SECONDS", 0)
    monkeypatch.setattr(port_probe, "wait_first_byte", lambda *_: 0.0)
    if why is not None:
        with pytest.raises(ScenarioFailed, match=why):
            listener_update.check_listener_update(made)
        return
    found = listener_update.check_listener_update(made)
    assert isinstance(found, Met)
    assert found.detail == "a kept running, the open connection too"


class Held:
    """A connection that is not there."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        return None


@pytest.mark.parametrize(
    ("state", "supported"),
    [
        ("it does not exist", False),
        (Condition("Accepted"), False),
        (Condition("Accepted", "Unknown", "Pending"), False),
        (Condition("Accepted", "False", "NotAllowed", "no"), True),
    ],
)
@pytest.mark.usefixtures("scrambled")
def test_listener_sets_that_nobody_takes_up_are_not_supported(
    made: ProbeFixture, monkeypatch: pytest.MonkeyPatch, state: str | Condition, supported: bool
) -> None:
    monkeypatch.setattr(listener_set, "wait_for", raising(late(state)))
    if supported:
        with pytest.raises(WaitTimeout):
            listener_set.check_listener_set(made)
    else:
        assert isinstance(listener_set.check_listener_set(made), NotSupported)
    without = ProbeFixture(ProbeMemory(LISTENER_SET).kube(), OWN)
    assert listener_set.check_listener_set(without) == NotSupported(f"{LISTENER_SET} is not served")


def test_a_route_that_leads_on_after_it_is_gone_fails(made: ProbeFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(port_probe, "wait_first_byte", lambda *_: 0.0)
    monkeypatch.setattr(port_probe, "wait_closed", raising(late("it answers")))
    with pytest.raises(ScenarioFailed, match=r"29000 still connects to probe-\w+-one, without a route"):
        route_removed.check_route_removed(made)
    monkeypatch.setattr(port_probe, "wait_closed", lambda *_: 0.0)
    monkeypatch.setattr(port_probe, "read_name", lambda _: "somebody")
    with pytest.raises(ScenarioFailed, match="connected to no pod, and then to somebody again"):
        route_removed.check_route_removed(made)
    monkeypatch.setattr(port_probe, "read_name", lambda _: "")
    monkeypatch.setattr(route_removed, "STILL_SECONDS", 0.0)
    monkeypatch.setattr(route_removed, "probe", lambda _: Answer.REFUSED)
    found = route_removed.check_route_removed(made)
    assert isinstance(found, Met)
    assert found.detail == "192.0.2.7:29000 refused the connection"
