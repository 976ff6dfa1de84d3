"""The strategy that creates objects for each task, on a real API server: all or nothing, and no port for two tasks."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.apiserver.strategies import (
    IP,
    NAMESPACE,
    PLACEHOLDER,
    Failing,
    Once,
    StrategySite,
    fill_gateway,
    listener_set,
)

from task_gateway.errors import ClusterUnreachable, Forbidden, Invalid, NoFreeSlot, TemplatesMismatch, UsageError
from task_gateway.kube import helm
from task_gateway.kube.client import Kube
from task_gateway.kube.kinds import SERVICE
from task_gateway.model import TASK_LABEL, Manifest
from task_gateway.routing.gateway_api import GATEWAY
from task_gateway.routing.templates import VERSION

CHART = Path(__file__).parents[2] / "charts" / "internal-task-gateway"
PER_TASK = pytest.mark.parametrize("name", ["listeners"])


@PER_TASK
def test_a_task_has_three_objects_and_none_after_release(site: StrategySite, name: str) -> None:
    strategy = site.strategy(name)
    (made,) = strategy.expose(site.task("one"))
    assert (str(made.address), made.service) == (f"{IP}:20000", "gw-task-20000")
    assert site.left() == ["Service gw-task-20000", "TCPRoute gw-task-20000", "listener 20000"]
    service = site.kube.get(SERVICE, "gw-task-20000", NAMESPACE)
    assert service["spec"]["selector"] == {TASK_LABEL: "one"}
    assert service["spec"]["ports"][0]["targetPort"] == 8888
    (listed,) = strategy.exposed()
    assert listed == made
    assert (listed.task_id, listed.owner, listed.target_port) == ("one", "ada", 8888)
    assert listed.since is not None
    strategy.release("one")
    strategy.release("one")
    assert site.left() == []


@PER_TASK
def test_a_repeat_gives_the_same_port_and_another_target_is_refused(site: StrategySite, name: str) -> None:
    (first,) = site.strategy(name).expose(site.task("one"))
    assert site.strategy(name).expose(site.task("one")) == (first,)
    assert site.strategy(name).expose(site.task("two"))[0].port == first.port + 1
    with pytest.raises(UsageError, match="target port 8888, not 9999"):
        site.strategy(name).expose(site.task("one", 9999))
    with pytest.raises(UsageError, match="namespace elsewhere"):
        site.strategy(name).expose(replace(site.task("one"), namespace="elsewhere"))


@PER_TASK
def test_ports_of_others_and_of_the_controller_are_skipped(site: StrategySite, name: str) -> None:
    site.first, site.count = 18999, 8
    foreign = {"name": "foreign", "port": 18999, "protocol": "TCP"}
    gateway = site.kube.get(GATEWAY, "gw", NAMESPACE)
    gateway["spec"]["listeners"].append(foreign)
    site.kube.replace(gateway)
    site.kube.create(listener_set({"name": "theirs", "namespace": NAMESPACE}, {}, 19005))
    strategy = site.strategy(name)
    assert [strategy.expose(site.task(f"t-{index}"))[0].port for index in range(2)] == [19004, 19006]
    with pytest.raises(NoFreeSlot) as full:
        strategy.expose(site.task("t-2"))
    assert full.value.message == (
        "no free port: 8 in the range 18999-19006, 2 held by tasks of namespace gateways, 2 held by other listeners, "
        "4 kept by the controller"
    )
    assert "gateway_port_range_end" in str(full.value.hint)
    assert "task-gateway limits" in str(full.value.hint)
    for index in range(2):
        strategy.release(f"t-{index}")
    assert site.left() == ["ListenerSet theirs", "listener 18999"]


@PER_TASK
def test_of_many_at_once_each_has_a_port_of_its_own(site: StrategySite, name: str) -> None:
    """Two masters with ten threads each claim the twenty ports of a range; one more task gets none."""
    site.count = 20
    masters = [site.strategy(name, Kube(site.kube.cluster)) for _ in range(2)]
    start = threading.Barrier(20)

    def expose(index: int) -> int:
        start.wait()
        return masters[index % 2].expose(site.task(f"t-{index}"))[0].port

    with ThreadPoolExecutor(20) as pool:
        ports = list(pool.map(expose, range(20)))
    assert sorted(ports) == list(range(20000, 20020))
    assert {each.task_id: each.port for each in masters[0].exposed()} == {
        f"t-{n}": port for n, port in enumerate(ports)
    }
    with pytest.raises(NoFreeSlot, match="20 in the range 20000-20019, 20 held by tasks"):
        masters[0].expose(site.task("t-20"))
    assert len(site.left()) == 60

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(lambda index: masters[index % 2].release(f"t-{index}"), range(20)))
    assert site.left() == []


@PER_TASK
def test_two_namespaces_share_a_gateway_and_no_port(site: StrategySite, name: str) -> None:
    there = replace(site, namespace="others")
    (one,) = site.strategy(name).expose(site.task("one"))
    (other,) = there.strategy(name).expose(there.task("one"))
    assert (one.port, other.port) == (20000, 20001)
    there.strategy(name).release("one")
    assert one.port in [each.port for each in site.strategy(name).exposed()]
    assert len(site.left()) == 3


@PER_TASK
@pytest.mark.parametrize("write", [0, 1, 2])
@pytest.mark.parametrize("arrives", [False, True])
@pytest.mark.parametrize("error", [ClusterUnreachable("gone"), KeyboardInterrupt()], ids=["unreachable", "interrupt"])
def test_what_fails_or_is_interrupted_leaves_nothing_behind(
    site: StrategySite, name: str, write: int, arrives: bool, error: BaseException
) -> None:
    with pytest.raises(type(error)):
        site.strategy(name, Once(site.kube, write, error, arrives=arrives)).expose(site.task("one"))
    assert site.left() == []


@PER_TASK
def test_what_fails_leaves_the_same_name_in_another_namespace_alone(site: StrategySite, name: str) -> None:
    there = replace(site, namespace="others")
    there.strategy(name).expose(there.task("one"))
    with pytest.raises(ClusterUnreachable):
        site.strategy(name, Once(site.kube, 2, ClusterUnreachable("gone"), arrives=True)).expose(site.task("one"))
    assert [each.port for each in there.strategy(name).exposed()] == [20000]
    assert len(site.left()) == 3


@PER_TASK
def test_a_repeat_that_fails_leaves_the_task_reachable(site: StrategySite, name: str) -> None:
    site.strategy(name).expose(site.task("one"))
    with pytest.raises(ClusterUnreachable):
        site.strategy(name, Failing(site.kube, 0)).expose(site.task("one"))
    assert len(site.left()) == 3


@PER_TASK
@pytest.mark.parametrize("writes", [0, 1, 2])
def test_what_a_crash_left_half_made_is_completed_by_the_same_call(site: StrategySite, name: str, writes: int) -> None:
    with pytest.raises(ClusterUnreachable):
        site.strategy(name, Failing(site.kube, writes)).expose(site.task("one"))
    assert len(site.left()) == writes
    assert site.strategy(name).expose(site.task("one"))[0].port == 20000
    assert len(site.left()) == 3


@PER_TASK
@pytest.mark.parametrize("writes", [0, 1, 2, 3])
def test_a_release_that_was_cut_short_is_finished_by_the_same_call(site: StrategySite, name: str, writes: int) -> None:
    site.strategy(name).expose(site.task("one"))
    with pytest.raises(ClusterUnreachable):
        site.strategy(name, Failing(site.kube, writes)).release("one")
    if writes:
        with pytest.raises(UsageError, match="release of task one has begun"):
            site.strategy(name).expose(site.task("one"))
    site.strategy(name).release("one")
    assert site.left() == []


@PER_TASK
def test_a_port_taken_before_the_listener_was_there_is_given_up(site: StrategySite, name: str) -> None:
    with pytest.raises(ClusterUnreachable):
        site.strategy(name, Failing(site.kube, 1)).expose(site.task("one"))
    there = replace(site, namespace="others")
    assert there.strategy(name).expose(there.task("two"))[0].port == 20000
    assert site.strategy(name).expose(site.task("one"))[0].port == 20001
    assert {each.task_id for each in there.strategy(name).exposed()} == {"two"}


@PER_TASK
def test_a_late_release_leaves_the_next_task_of_the_port_alone(site: StrategySite, name: str) -> None:
    """Release is called twice; between the reads and writes of the second call, another task claims the port."""
    site.count = 1
    strategy = site.strategy(name)
    strategy.expose(site.task("one"))

    class Late:
        def __getattr__(self, verb: str) -> Any:
            if verb == "patch":
                strategy.release("one")
                strategy.expose(site.task("two"))
            return getattr(site.kube, verb)

    site.strategy(name, Late()).release("one")
    assert [(each.task_id, each.port) for each in strategy.exposed()] == [("two", 20000)]
    assert site.kube.get(SERVICE, "gw-task-20000", NAMESPACE)["spec"]["selector"] == {TASK_LABEL: "two"}
    assert len(site.left()) == 3


def test_a_listener_that_another_writer_dropped_is_added_again(site: StrategySite) -> None:
    strategy = site.strategy("listeners")
    (made,) = strategy.expose(site.task("one"))
    gateway = site.kube.get(GATEWAY, "gw", NAMESPACE)
    site.kube.replace(gateway | {"spec": gateway["spec"] | {"listeners": gateway["spec"]["listeners"][:1]}})
    assert site.listeners() == [PLACEHOLDER]
    assert strategy.expose(site.task("one")) == (made,)
    assert site.listeners() == [PLACEHOLDER, made.port]


def test_the_last_listener_stays_and_is_the_next_tasks(site: StrategySite) -> None:
    site.count = 1
    strategy = site.strategy("listeners")
    strategy.expose(site.task("one"))
    gateway = site.kube.get(GATEWAY, "gw", NAMESPACE)
    site.kube.replace(gateway | {"spec": gateway["spec"] | {"listeners": gateway["spec"]["listeners"][1:]}})
    strategy.release("one")
    assert site.left() == ["listener 20000"]
    assert strategy.expose(site.task("two"))[0].port == 20000
    assert site.listeners() == [20000]


@PER_TASK
def test_a_listener_set_of_another_namespace_or_gateway(site: StrategySite, name: str) -> None:
    """A ListenerSet that the Gateway accepts holds its port; one of another Gateway with that name does not."""
    before = site.kube.get(GATEWAY, "gw", NAMESPACE)["spec"]["allowedListeners"]
    site.kube.create(listener_set({"name": "far", "namespace": "others"}, {"namespace": NAMESPACE}, 20000))
    site.kube.create(listener_set({"name": "near", "namespace": NAMESPACE}, {"namespace": "others"}, 20001))
    site.kube.patch(GATEWAY, "gw", NAMESPACE, {"spec": {"allowedListeners": {"namespaces": {"from": "All"}}}})
    try:
        assert site.strategy(name).expose(site.task("one"))[0].port == 20001
    finally:
        site.kube.patch(GATEWAY, "gw", NAMESPACE, {"spec": {"allowedListeners": before}})


def test_one_listener_more_than_the_crd_allows_leaves_nothing_behind(site: StrategySite) -> None:
    fill_gateway(site, 63)
    strategy = site.strategy("listeners")
    strategy.expose(site.task("last"))
    with pytest.raises(NoFreeSlot, match=r"spec\.listeners: Too many: 65: must have at most 64 items") as full:
        strategy.expose(site.task("one-more"))
    assert "maxItems of spec.listeners" in str(full.value.hint)
    assert "task-gateway limits" in str(full.value.hint)
    assert [each.task_id for each in strategy.exposed()] == ["last"]
    assert len(site.listeners()) == 64
    strategy.release("last")
    assert strategy.expose(site.task("one-more"))[0].port == 20002  # 20001 was tried, and rests


def test_a_refusal_for_another_reason_is_not_called_full(site: StrategySite) -> None:
    name = "gw-task-routing-templates"
    text = site.kube.get("v1/ConfigMap", name, NAMESPACE)["data"]["listeners.yaml"]
    broken = text.replace("protocol: TCP", "protocol: '-'", 1)
    site.kube.patch("v1/ConfigMap", name, NAMESPACE, {"data": {"listeners.yaml": broken}})
    try:
        with pytest.raises(Invalid, match="protocol"):
            site.strategy("listeners").expose(site.task("one"))
    finally:
        site.kube.patch("v1/ConfigMap", name, NAMESPACE, {"data": {"listeners.yaml": text}})
    assert site.left() == []


@PER_TASK
def test_a_quota_that_is_used_up_is_called_full(site: StrategySite, name: str) -> None:
    there = replace(site, namespace="others")
    hard = {"count/tcproutes.gateway.networking.k8s.io": "0"}
    quota = site.kube.create(
        {
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": {"name": "none", "namespace": "others"},
            "spec": {"hard": hard},
        }
    )
    site.kube.replace(quota | {"status": {"hard": hard, "used": hard}}, subresource="status")
    try:
        with pytest.raises(NoFreeSlot, match="exceeded quota: none"):
            there.strategy(name).expose(there.task("one"))
    finally:
        site.kube.delete("v1/ResourceQuota", "none", "others")
    assert site.left() == []


@pytest.fixture
def as_master(site: StrategySite, tmp_path: Path) -> Iterator[Callable[[list[str]], Kube]]:
    """Connect as a service account with the chart's Roles for some strategies, for tasks in the namespace `others`."""
    made: list[Manifest] = []

    def connect(strategies: list[str]) -> Kube:
        values = {
            "slots": [{"namespace": "others", "start": 20000, "count": 1}],
            "rbac": {"strategies": strategies, "subjects": [{"kind": "ServiceAccount", "name": "master"}]},
        }
        parts = ["--show-only", "templates/role.yaml", "--show-only", "templates/rolebinding.yaml"]
        text = helm.template(CHART, values, release="gw", namespace=NAMESPACE, arguments=parts)
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "master", "namespace": NAMESPACE}}
        made.extend(site.kube.create(obj) for obj in [account, *yaml.safe_load_all(text)])
        content = yaml.safe_load(site.kube.cluster.kubeconfig.read_text())
        content["users"][0]["user"] = {"token": site.kube.token("master", NAMESPACE)}
        kubeconfig = tmp_path / "kubeconfig"
        kubeconfig.write_text(yaml.safe_dump(content))
        return Kube(replace(site.kube.cluster, kubeconfig=kubeconfig))

    yield connect
    for obj in made:
        metadata = obj["metadata"]
        site.kube.delete(f"{obj['apiVersion']}/{obj['kind']}", metadata["name"], metadata["namespace"])


@PER_TASK
def test_the_charts_rights_are_enough(site: StrategySite, as_master: Callable[[list[str]], Kube], name: str) -> None:
    there = replace(site, namespace="others")
    strategy = there.strategy(name, as_master([name]))
    (made,) = strategy.expose(there.task("one"))
    assert strategy.expose(there.task("one")) == (made,)
    assert strategy.exposed() == [made]
    strategy.release("one")
    assert site.left() == []


@PER_TASK
def test_the_rights_of_slots_are_not(site: StrategySite, as_master: Callable[[list[str]], Kube], name: str) -> None:
    there = replace(site, namespace="others")
    with pytest.raises(Forbidden, match="cannot create resource"):
        there.strategy(name, as_master(["slots"])).expose(there.task("one"))
    assert site.left() == []


def test_templates_of_another_version_are_refused(site: StrategySite) -> None:
    name = "gw-task-routing-templates"
    site.kube.patch("v1/ConfigMap", name, NAMESPACE, {"data": {"version": "0"}})
    try:
        with pytest.raises(TemplatesMismatch, match="version 0"):
            site.strategy("listeners").expose(site.task("one"))
        assert site.left() == []
    finally:
        site.kube.patch("v1/ConfigMap", name, NAMESPACE, {"data": {"version": VERSION}})
