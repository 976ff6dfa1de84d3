"""Slots on a real API server: a claim is one write, no port has two tasks, and upgrades keep claims."""

import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.apiserver import planes

from task_gateway.errors import Conflict, NoFreeSlot, TemplatesMismatch, UsageError
from task_gateway.kube.client import Kube
from task_gateway.kube.process import run, tool
from task_gateway.model import Address, InternalTaskGateway, Manifest, Task
from task_gateway.routing import table
from task_gateway.routing.strategies.base import STRATEGIES
from task_gateway.routing.strategies.slots import Slots

START = 32768
CHART = planes.CHART
IP = "192.0.2.7"


@dataclass
class SlotSite:
    """A namespace with the slots of one gateway."""

    kube: Kube
    namespace: str
    gateway: InternalTaskGateway

    @property
    def slots(self) -> Slots:
        return Slots(self.kube, self.gateway, self.namespace)

    def task(self, name: str, port: int = 8888) -> Task:
        return Task(name, self.namespace, (port,), owner="ada")

    def service(self, port: int) -> Manifest:
        return self.kube.get("v1/Service", f"gw-slot-{port}", self.namespace)


def rendered(namespace: str, count: int) -> list[Manifest]:
    """Return the Services and the ConfigMap of templates, as rendered by the chart."""
    return planes.rendered("gw", namespace, {"slots": [{"start": START, "count": count}]}, "services", "configmap")


def of_kind(kind: str, items: list[Manifest]) -> list[Manifest]:
    return [item for item in items if item["kind"] == kind]


def claims(service: Manifest) -> dict[str, Any]:
    """Return the fields that a claim or a release writes."""
    notes = service["metadata"].get("annotations") or {}
    return {
        "selector": service["spec"].get("selector"),
        "targetPort": service["spec"]["ports"][0].get("targetPort"),
        "notes": {key: value for key, value in notes.items() if key.startswith("task-gateway.dev/")},
    }


@pytest.fixture
def empty(with_crds: Kube) -> Iterator[SlotSite]:
    """A separate namespace without slots."""
    name = f"slots-{uuid.uuid4().hex[:8]}"
    with_crds.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    yield SlotSite(with_crds, name, InternalTaskGateway("gw", name, IP, START, START + 99))
    with_crds.delete("v1/Namespace", name)


@pytest.fixture
def site(empty: SlotSite) -> SlotSite:
    """Three slots."""
    for item in rendered(empty.namespace, 3):
        empty.kube.apply(item, field_manager="helm")
    return empty


@pytest.fixture
def writes(site: SlotSite, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the writing calls of the strategy, in order."""
    made: list[str] = []

    def counted(verb: str) -> Callable[..., object]:
        real = getattr(site.kube, verb)

        def call(*args: Any, **kwargs: Any) -> object:
            made.append(verb)
            return real(*args, **kwargs)

        return call

    for verb in ("create", "apply", "patch", "delete"):
        monkeypatch.setattr(site.kube, verb, counted(verb))
    return made


def test_registry_finds_the_strategy(site: SlotSite) -> None:
    strategy = STRATEGIES.get("slots")(site.kube, site.gateway, site.namespace)
    assert [each.address for each in strategy.expose(site.task("a"))] == [Address(IP, START)]


def test_what_somebody_else_put_into_a_selector_goes_with_the_next_write(site: SlotSite) -> None:
    foreign = {"spec": {"selector": {"app": "somebody-elses"}}}
    name = site.service(START)["metadata"]["name"]
    site.kube.patch("v1/Service", name, site.namespace, foreign)
    site.slots.expose(site.task("a"))
    assert site.service(START)["spec"]["selector"] == {"task-gateway.dev/task": "a"}
    site.kube.patch("v1/Service", name, site.namespace, foreign)
    site.slots.release("a")
    assert site.service(START)["spec"]["selector"] == {"task-gateway.dev/task": f"released.{START}"}


def test_claim_and_release(site: SlotSite, writes: list[str]) -> None:
    before = datetime.now(UTC)
    (exposure,) = site.slots.expose(site.task("a", port=9999))
    assert (exposure.address, exposure.target_port) == (Address(IP, START), 9999)
    assert exposure.service == site.service(START)["metadata"]["name"]
    assert writes == ["patch"]

    assert site.slots.exposed() == [exposure]
    assert (exposure.task_id, exposure.owner, exposure.port) == ("a", "ada", START)
    assert exposure.since is not None
    assert before <= exposure.since <= datetime.now(UTC)
    claimed = claims(site.service(START))
    assert claimed["selector"] == {"task-gateway.dev/task": "a"}
    assert claimed["targetPort"] == 9999
    assert claimed["notes"].keys() == {
        "task-gateway.dev/claimed-by",
        "task-gateway.dev/owner",
        "task-gateway.dev/claimed-at",
    }

    site.slots.release("a")
    assert writes == ["patch", "patch"]
    assert site.slots.exposed() == []
    freed = claims(site.service(START))
    assert freed["notes"].keys() == {"task-gateway.dev/released-at"}
    # A value that no task can have: a selector that matches no pod, which empties the endpoints.
    assert freed["selector"] == {"task-gateway.dev/task": f"released.{START}"}


def test_claim_touches_one_object(site: SlotSite) -> None:
    before = {port: site.service(port)["metadata"]["resourceVersion"] for port in range(START, START + 3)}
    site.slots.expose(site.task("a"))
    after = {port: site.service(port)["metadata"]["resourceVersion"] for port in range(START, START + 3)}
    assert [port for port in before if before[port] != after[port]] == [START]


def test_expose_again_changes_nothing(site: SlotSite, writes: list[str]) -> None:
    first = site.slots.expose(site.task("a"))
    assert site.slots.expose(site.task("a")) == first
    assert writes == ["patch"]


def test_expose_again_with_another_target_port_is_refused(site: SlotSite, writes: list[str]) -> None:
    site.slots.expose(site.task("a"))
    with pytest.raises(UsageError, match="target port 8888, not 9999"):
        site.slots.expose(site.task("a", port=9999))
    assert writes == ["patch"]


def test_release_of_what_is_not_exposed_writes_nothing(site: SlotSite, writes: list[str]) -> None:
    site.slots.release("a")
    assert writes == []


def test_ports_are_used_in_turn_longest_unused_first(site: SlotSite) -> None:
    slots = site.slots
    ports = [slots.expose(site.task(name))[0].port for name in ("a", "b")]
    slots.release("b")
    slots.release("a")
    ports += [slots.expose(site.task(name))[0].port for name in ("c", "d", "e")]
    assert ports == [START, START + 1, START + 2, START + 1, START]


def test_only_ports_in_the_range_are_claimed(site: SlotSite) -> None:
    gateway = replace(site.gateway, gateway_port_range_start=START + 1, gateway_port_range_end=START + 1)
    slots = Slots(site.kube, gateway, site.namespace)
    assert slots.expose(site.task("a"))[0].port == START + 1
    with pytest.raises(NoFreeSlot) as caught:
        slots.expose(site.task("b"))
    assert "3 slots, 1 of them in the port range 32769-32769, 1 held by 1 task (most by ada: 1): none is free" in (
        caught.value.message
    )
    assert f'slots=[{{"namespace":"{site.namespace}","start":{START},"count":6}}]' in str(caught.value.hint)
    assert "gateway_port_range_end" in str(caught.value.hint)


def test_a_race_for_fewer_slots_gives_no_port_twice(site: SlotSite) -> None:
    """Eight threads, each with its own strategy, and three slots."""
    start = threading.Barrier(8)

    def expose(index: int) -> int | None:
        slots = site.slots
        start.wait()
        try:
            return slots.expose(site.task(f"racer-{index}"))[0].port
        except NoFreeSlot:
            return None

    with ThreadPoolExecutor(8) as pool:
        ports = list(pool.map(expose, range(8)))
    assert Counter(ports) == {START: 1, START + 1: 1, START + 2: 1, None: 5}
    winners = {f"racer-{index}": port for index, port in enumerate(ports) if port is not None}
    assert {exposure.task_id: exposure.port for exposure in site.slots.exposed()} == winners


def test_who_has_a_port_keeps_it_among_claims_and_releases(site: SlotSite) -> None:
    """Six threads claim three slots repeatedly: the result of a claim is valid until its release."""

    def live(index: int) -> list[bool]:
        slots, name, kept = site.slots, f"racer-{index}", []
        for _ in range(4):
            try:
                port = slots.expose(site.task(name))[0].port
            except NoFreeSlot:
                continue
            kept.append([e.port for e in slots.exposed() if e.task_id == name] == [port])
            slots.release(name)
        return kept

    with ThreadPoolExecutor(6) as pool:
        kept = [seen for lived in pool.map(live, range(6)) for seen in lived]
    assert kept
    assert all(kept)
    assert site.slots.exposed() == []


def interposed(monkeypatch: pytest.MonkeyPatch, kube: Kube, first: Callable[[], object]) -> None:
    """Run `first` between the read and the first write of a call."""
    real = kube.patch
    pending = [first]

    def patch(*args: Any, **kwargs: Any) -> Manifest:
        if pending:
            pending.pop()()
        return real(*args, **kwargs)

    monkeypatch.setattr(kube, "patch", patch)


def test_a_slot_taken_in_between_is_left_to_its_taker(site: SlotSite, monkeypatch: pytest.MonkeyPatch) -> None:
    interposed(monkeypatch, site.kube, lambda: site.slots.expose(site.task("quick")))
    assert site.slots.expose(site.task("slow"))[0].port == START + 1
    assert {e.task_id: e.port for e in site.slots.exposed()} == {"quick": START, "slow": START + 1}


def test_a_harmless_write_in_between_costs_no_slot(site: SlotSite, monkeypatch: pytest.MonkeyPatch) -> None:
    label: Manifest = {"metadata": {"labels": {"seen": "yes"}}}
    name = f"gw-slot-{START}"
    interposed(monkeypatch, site.kube, lambda: site.kube.patch("v1/Service", name, site.namespace, label))
    assert site.slots.expose(site.task("a"))[0].port == START
    assert site.service(START)["metadata"]["labels"]["seen"] == "yes"


def test_a_claim_whose_answer_was_lost_is_not_repeated(site: SlotSite, monkeypatch: pytest.MonkeyPatch) -> None:
    """The write arrives twice, as after a retry of the transport: the second one conflicts with the first."""
    interposed(monkeypatch, site.kube, lambda: site.slots.expose(site.task("a")))
    assert site.slots.expose(site.task("a"))[0].port == START
    assert [e.port for e in site.slots.exposed()] == [START]


def test_release_never_frees_the_slot_of_another(site: SlotSite, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the read and the write of a release, the slot is freed and claimed by another task."""
    gateway = replace(site.gateway, gateway_port_range_end=START)
    only = Slots(site.kube, gateway, site.namespace)
    only.expose(site.task("a"))

    def swap() -> None:
        only.release("a")
        only.expose(site.task("b"))

    interposed(monkeypatch, site.kube, swap)
    only.release("a")
    assert [(e.task_id, e.port) for e in only.exposed()] == [("b", START)]
    assert site.service(START)["spec"]["selector"] == {"task-gateway.dev/task": "b"}


def test_an_outdated_write_is_refused_by_the_api_server(site: SlotSite) -> None:
    """All other guarantees depend on this one."""
    slot = table.parse(site.service(START))
    assert slot is not None
    now = datetime.now(UTC)
    first, second = (table.claim(slot, site.task(name), 8888, now) for name in ("a", "b"))
    site.kube.patch("v1/Service", slot.service, site.namespace, first, strategic=True)
    with pytest.raises(Conflict):
        site.kube.patch("v1/Service", slot.service, site.namespace, second, strategic=True)
    assert site.service(START)["spec"]["selector"] == {"task-gateway.dev/task": "a"}


@pytest.mark.parametrize("mode", ["--server-side=true", "--server-side=false"])
def test_a_helm_upgrade_keeps_claims(empty: SlotSite, mode: str) -> None:
    """One slot is claimed, one released, one unused; the upgrade adds one, with server-side and client-side apply."""
    install: list[str | Path] = [tool("helm"), "upgrade", "--install", "gw", CHART, mode]
    install += ["--namespace", empty.namespace, "--kubeconfig", empty.kube.cluster.kubeconfig]
    install += [
        "--set",
        f"slots[0].start={START},controller.install=false,gatewayClass.create=false,gatewayClass.name=none",
    ]
    run([*install, "--set", "slots[0].count=3"])
    empty.slots.expose(empty.task("a", port=9999))
    empty.slots.expose(empty.task("b"))
    empty.slots.release("b")
    before = [empty.service(port) for port in range(START, START + 3)]
    run([*install, "--set", "slots[0].count=4"])
    assert [claims(empty.service(port)) for port in range(START, START + 3)] == list(map(claims, before))
    assert [claims(service)["selector"] for service in before] == [
        {"task-gateway.dev/task": "a"},
        {"task-gateway.dev/task": f"released.{START + 1}"},
        None,
    ]
    assert empty.slots.expose(empty.task("a", port=9999))[0].port == START
    assert [empty.slots.expose(empty.task(name))[0].port for name in ("c", "d", "e")] == [
        START + 2,
        START + 3,
        START + 1,
    ]


def test_a_changed_chart_applied_again_keeps_claims(site: SlotSite) -> None:
    """A later chart that changes every Service: its changes are applied, and claims are kept."""
    site.slots.expose(site.task("a", port=9999))
    site.slots.expose(site.task("b"))
    site.slots.release("b")
    before = [claims(site.service(port)) for port in range(START, START + 3)]
    for item in of_kind("Service", rendered(site.namespace, 3)):
        item["metadata"]["labels"]["later"] = "yes"
        item["spec"]["ports"][0]["appProtocol"] = "kubernetes.io/ws"
        site.kube.apply(item, field_manager="helm")
    services = [site.service(port) for port in range(START, START + 3)]
    assert [claims(service) for service in services] == before
    assert [service["metadata"]["labels"]["later"] for service in services] == ["yes"] * 3


def test_no_slots_at_all(empty: SlotSite) -> None:
    (templates,) = of_kind("ConfigMap", rendered(empty.namespace, 1))
    empty.kube.apply(templates, field_manager="helm")
    with pytest.raises(UsageError, match="internal-task-gateway has no slots") as caught:
        empty.slots.expose(empty.task("a"))
    assert empty.namespace in caught.value.message
    assert "helm upgrade" in str(caught.value.hint)


def test_no_templates(empty: SlotSite) -> None:
    with pytest.raises(TemplatesMismatch, match="has no task routing templates") as caught:
        empty.slots.expose(empty.task("a"))
    assert f"{empty.namespace}/gw-task-routing-templates" in str(caught.value.where)


def test_templates_of_another_version(site: SlotSite, writes: list[str]) -> None:
    (templates,) = of_kind("ConfigMap", rendered(site.namespace, 1))
    site.kube.apply({**templates, "data": {"version": "1"}}, field_manager="helm")
    writes.clear()
    with pytest.raises(TemplatesMismatch, match="have version 1, this harness speaks version 2"):
        site.slots.expose(site.task("a"))
    assert writes == []


def test_a_task_elsewhere_is_refused(site: SlotSite, writes: list[str]) -> None:
    with pytest.raises(UsageError, match="runs in namespace elsewhere"):
        site.slots.expose(Task("a", "elsewhere", (8888,)))
    assert writes == []
