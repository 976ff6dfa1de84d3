"""The strategies that make objects for each task, against a real API server: all or nothing, and no port for two."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from task_gateway.clusters import base
from task_gateway.crds import bundles, schema
from task_gateway.errors import ClusterUnreachable, NoFreeSlot, TemplatesMismatch, UsageError
from task_gateway.kube import helm
from task_gateway.kube.client import Kube
from task_gateway.kube.wait import condition, wait_for
from task_gateway.model import TASK_LABEL, InternalTaskGateway, Task
from task_gateway.routing.base import STRATEGIES, Strategy
from task_gateway.routing.per_task import GATEWAY, LISTENER_SET, SERVICE
from task_gateway.settings import API_READY

CHART = Path(__file__).parents[2] / "charts" / "internal-task-gateway"
NAMESPACE, IP = "gateways", "192.0.2.7"
ROUTE = "gateway.networking.k8s.io/v1/TCPRoute"
PLACEHOLDER = 1024
BOTH = pytest.mark.parametrize("name", ["listenersets", "listeners"])


@pytest.fixture(scope="module")
def kube() -> Iterator[Kube]:
    """A control plane with the CRDs, and the Gateway and templates of the chart."""
    cluster = f"test-strategies-{os.getpid()}"
    kube = Kube(base.up("control-plane", base.Wish(cluster), say=print))
    try:
        crds = bundles.fetch("v1.6.1", "standard").crds
        for crd in crds.values():
            kube.apply(crd)
        for name in crds:
            wait_for(kube, API_READY, schema.KIND, name, None, condition("Established"))
        for namespace in (NAMESPACE, "others"):
            kube.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
        parts = ["--show-only", "templates/gateway.yaml", "--show-only", "templates/configmap.yaml"]
        for obj in yaml.safe_load_all(helm.template(CHART, {}, release="gw", namespace=NAMESPACE, arguments=parts)):
            kube.apply(obj, field_manager="helm")
        yield kube
    finally:
        base.down(cluster)


@dataclass
class Site:
    kube: Kube
    first: int
    count: int = 100
    namespace: str = NAMESPACE

    @property
    def gateway(self) -> InternalTaskGateway:
        return InternalTaskGateway("gw", NAMESPACE, IP, self.first, self.first + self.count - 1)

    def strategy(self, name: str, kube: Any = None) -> Strategy:
        return STRATEGIES.get(name)(kube or self.kube, self.gateway, self.namespace)

    def task(self, name: str, port: int = 8888) -> Task:
        return Task(name, self.namespace, port, owner="ada")

    def left(self) -> list[str]:
        """Return what there is for tasks in the cluster, by name."""
        selector = f"{TASK_LABEL}"
        found = [
            f"{each['kind']} {each['metadata']['name']}"
            for kind in (SERVICE, ROUTE)
            for each in self.kube.list(kind, None, selector)
        ]
        found += [f"ListenerSet {each['metadata']['name']}" for each in self.kube.list(LISTENER_SET)]
        return found + [f"listener {port}" for port in self.listeners() if port != PLACEHOLDER]

    def listeners(self) -> list[int]:
        return [each["port"] for each in self.kube.get(GATEWAY, "gw", NAMESPACE)["spec"]["listeners"]]


@pytest.fixture
def site(kube: Kube) -> Iterator[Site]:
    made = Site(kube, 20000)
    before = kube.get(GATEWAY, "gw", NAMESPACE)["spec"]["listeners"]
    assert made.left() == []
    yield made
    kube.patch(GATEWAY, "gw", NAMESPACE, {"spec": {"listeners": before}})
    for kind in (SERVICE, ROUTE, LISTENER_SET):
        for each in kube.list(kind):
            if TASK_LABEL in (each["metadata"].get("labels") or {}) or kind == LISTENER_SET:
                kube.delete(kind, each["metadata"]["name"], each["metadata"]["namespace"])


@BOTH
def test_a_task_has_three_objects_and_none_after_release(site: Site, name: str) -> None:
    strategy = site.strategy(name)
    address = strategy.expose(site.task("one"))
    assert str(address) == f"{IP}:20000"
    listener = "ListenerSet gw-task-20000" if name == "listenersets" else "listener 20000"
    assert site.left() == ["Service gw-task-20000", "TCPRoute gw-task-20000", listener]
    service = site.kube.get(SERVICE, "gw-task-20000", NAMESPACE)
    assert service["spec"]["selector"] == {TASK_LABEL: "one"}
    assert service["spec"]["ports"][0]["targetPort"] == 8888
    (listed,) = strategy.list()
    assert (listed.task_id, listed.owner, listed.address) == ("one", "ada", address)
    assert listed.claimed_at is not None
    strategy.release("one")
    strategy.release("one")
    assert site.left() == []


@BOTH
def test_a_repeat_gives_the_same_port_and_another_target_is_refused(site: Site, name: str) -> None:
    first = site.strategy(name).expose(site.task("one"))
    assert site.strategy(name).expose(site.task("one")) == first
    assert site.strategy(name).expose(site.task("two")).port == first.port + 1
    with pytest.raises(UsageError, match="target port 8888, not 9999"):
        site.strategy(name).expose(site.task("one", 9999))
    with pytest.raises(UsageError, match="namespace elsewhere"):
        site.strategy(name).expose(replace(site.task("one"), namespace="elsewhere"))


@BOTH
def test_ports_of_others_and_of_the_controller_are_skipped(site: Site, name: str) -> None:
    site.first, site.count = 18999, 8
    foreign = {"name": "foreign", "port": 18999, "protocol": "TCP"}
    gateway = site.kube.get(GATEWAY, "gw", NAMESPACE)
    gateway["spec"]["listeners"].append(foreign)
    site.kube.replace(gateway)
    site.kube.create(
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "ListenerSet",
            "metadata": {"name": "theirs", "namespace": NAMESPACE},
            "spec": {"parentRef": {"name": "gw"}, "listeners": [foreign | {"port": 19005}]},
        }
    )
    strategy = site.strategy(name)
    assert [strategy.expose(site.task(f"t-{index}")).port for index in range(2)] == [19004, 19006]
    with pytest.raises(NoFreeSlot, match=r"no free port: 8 in the range, 2 of them held by tasks, 6 by others"):
        strategy.expose(site.task("t-2"))
    for index in range(2):
        strategy.release(f"t-{index}")
    assert site.left() == ["ListenerSet theirs", "listener 18999"]


@BOTH
def test_of_many_at_once_each_has_a_port_of_its_own(site: Site, name: str) -> None:
    def expose(index: int) -> int:
        kube = Kube(site.kube.cluster)
        return site.strategy(name, kube).expose(site.task(f"t-{index}")).port

    with ThreadPoolExecutor(4) as pool:
        ports = list(pool.map(expose, range(12)))
    assert len(set(ports)) == 12
    assert {each.task_id: each.port for each in site.strategy(name).list()} == {
        f"t-{index}": port for index, port in enumerate(ports)
    }


@BOTH
def test_two_namespaces_share_a_gateway_and_no_port(site: Site, name: str) -> None:
    there = replace(site, namespace="others")
    one = site.strategy(name).expose(site.task("one"))
    other = there.strategy(name).expose(there.task("one"))
    assert (one.port, other.port) == (20000, 20001)
    there.strategy(name).release("one")
    assert one.port in [each.port for each in site.strategy(name).list()]
    assert len(site.left()) == 3


class Failing:
    """An API server that can no longer be reached after so many writes."""

    def __init__(self, kube: Kube, writes: int) -> None:
        self._kube = kube
        self._left = writes

    def __getattr__(self, verb: str) -> Callable[..., Any]:
        real: Callable[..., Any] = getattr(self._kube, verb)
        if verb not in ("create", "apply", "replace", "patch", "delete"):
            return real

        def call(*args: Any, **kwargs: Any) -> Any:
            if self._left == 0:
                raise ClusterUnreachable("gone")
            self._left -= 1
            return real(*args, **kwargs)

        return call


@BOTH
@pytest.mark.parametrize("writes", [0, 1, 2])
def test_what_a_crash_left_half_made_is_completed_by_the_same_call(site: Site, name: str, writes: int) -> None:
    with pytest.raises(ClusterUnreachable):
        site.strategy(name, Failing(site.kube, writes)).expose(site.task("one"))
    assert len(site.left()) == writes
    assert site.strategy(name).expose(site.task("one")).port == 20000
    assert len(site.left()) == 3


@BOTH
@pytest.mark.parametrize("writes", [0, 1, 2, 3])
def test_a_release_that_was_cut_short_is_finished_by_the_same_call(site: Site, name: str, writes: int) -> None:
    site.strategy(name).expose(site.task("one"))
    with pytest.raises(ClusterUnreachable):
        site.strategy(name, Failing(site.kube, writes)).release("one")
    if writes:
        with pytest.raises(UsageError, match="release of task one has begun"):
            site.strategy(name).expose(site.task("one"))
    site.strategy(name).release("one")
    assert site.left() == []


@BOTH
def test_a_port_taken_before_the_listener_was_there_is_given_up(site: Site, name: str) -> None:
    with pytest.raises(ClusterUnreachable):
        site.strategy(name, Failing(site.kube, 1)).expose(site.task("one"))
    there = replace(site, namespace="others")
    assert there.strategy(name).expose(there.task("two")).port == 20000
    assert site.strategy(name).expose(site.task("one")).port == 20001
    assert {each.task_id for each in there.strategy(name).list()} == {"two"}


def test_one_listener_more_than_the_crd_allows_leaves_nothing_behind(site: Site) -> None:
    gateway = site.kube.get(GATEWAY, "gw", NAMESPACE)
    gateway["spec"]["listeners"] += [
        {"name": f"det-{port}", "port": port, "protocol": "TCP"} for port in range(3000, 3062)
    ]
    site.kube.replace(gateway)
    strategy = site.strategy("listeners")
    strategy.expose(site.task("last"))
    with pytest.raises(NoFreeSlot, match=r"no more listeners.*must have at most 64 items") as full:
        strategy.expose(site.task("one-more"))
    assert full.value.hint == "task-gateway limits says what to raise"
    assert [each.task_id for each in strategy.list()] == ["last"]
    assert len(site.listeners()) == 64


def test_templates_of_another_version_are_refused(site: Site) -> None:
    name = "gw-task-routing-templates"
    site.kube.patch("v1/ConfigMap", name, NAMESPACE, {"data": {"version": "0"}})
    try:
        with pytest.raises(TemplatesMismatch, match="version 0"):
            site.strategy("listenersets").expose(site.task("one"))
        assert site.left() == []
    finally:
        site.kube.patch("v1/ConfigMap", name, NAMESPACE, {"data": {"version": "1"}})
