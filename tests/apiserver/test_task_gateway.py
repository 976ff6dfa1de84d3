"""The library as a master uses it, with each strategy on a real API server: ports, crashes, order."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from tests.apiserver.strategies import NAMESPACE, ROUTE, SLOTS, WRITES, Failing, StrategySite, listener_set

from task_gateway.errors import ClusterUnreachable, NoFreeSlot, UsageError
from task_gateway.kube.client import Kube
from task_gateway.kube.kinds import SERVICE
from task_gateway.model import TASK_LABEL, Exposure, Manifest, Task, TaskObject
from task_gateway.routing import names, table
from task_gateway.routing.gateway import TaskGateway
from task_gateway.routing.gateway_api import GATEWAY

POD = "v1/Pod"
EACH = pytest.mark.parametrize("name", ["slots", "listeners"])
PER_TASK = pytest.mark.parametrize("name", ["listeners"])


class Counting:
    """An API server whose requests are counted by verb."""

    def __init__(self, kube: Kube) -> None:
        self._kube = kube
        self.settings = kube.settings
        self.made: list[str] = []

    def __getattr__(self, verb: str) -> Callable[..., Any]:
        real: Callable[..., Any] = getattr(self._kube, verb)

        def call(*args: Any, **kwargs: Any) -> Any:
            self.made.append(verb)
            return real(*args, **kwargs)

        return call

    def writes(self) -> list[str]:
        return [verb for verb in self.made if verb in WRITES]


@pytest.fixture
def fresh(site: StrategySite) -> Iterator[StrategySite]:
    """The site with all slots free, and their cooldown over."""
    site.first, site.count = SLOTS[0], len(SLOTS)
    yield site
    for service in site.kube.list(SERVICE, NAMESPACE, "task-gateway.dev/slot"):
        notes = dict.fromkeys(service["metadata"].get("annotations") or {})
        name = service["metadata"]["name"]
        free = {TASK_LABEL: names.released(int(service["metadata"]["labels"][names.SLOT_LABEL]))}
        site.kube.patch(SERVICE, name, NAMESPACE, {"metadata": {"annotations": notes}, "spec": {"selector": free}})
    for pod in site.kube.list(POD, NAMESPACE):
        site.kube.delete(POD, pod["metadata"]["name"], NAMESPACE)


def gateway(site: StrategySite, name: str, kube: Any = None) -> TaskGateway:
    return TaskGateway(kube or site.kube, site.gateway, site.namespace, name)


def held(exposures: list[Exposure]) -> list[tuple[str, int | str, int]]:
    return [(each.task_id, each.target_port, each.port) for each in exposures]


def pod(task: str, namespace: str = NAMESPACE) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": task, "namespace": namespace, "labels": {TASK_LABEL: task}},
        "spec": {"containers": [{"name": "task", "image": "none"}], "terminationGracePeriodSeconds": 0},
    }


def foreign(site: StrategySite, port: int) -> None:
    """Add a foreign listener."""
    found = site.kube.get(GATEWAY, "gw", NAMESPACE)
    found["spec"]["listeners"].append({"name": f"theirs-{port}", "port": port, "protocol": "TCP"})
    site.kube.replace(found)


@EACH
def test_a_task_has_an_address_for_each_of_its_ports(fresh: StrategySite, name: str) -> None:
    tasks = gateway(fresh, name)
    first, second = tasks.expose(fresh.task("one", 8888, 6006))
    assert [first.port, second.port] == [SLOTS[0], SLOTS[1]]
    assert tasks.expose(fresh.task("one", 6006, 8888)) == (second, first)
    assert held(tasks.exposed()) == [("one", 8888, first.port), ("one", 6006, second.port)]
    use = tasks.ports()
    assert (use.total, use.tasks, use.free) == (len(SLOTS), 2, len(SLOTS) - 2)
    with pytest.raises(UsageError, match="exposed with target port 6006, not 8888"):
        tasks.expose(fresh.task("one", 8888))
    tasks.release("one")
    tasks.release("one")
    assert tasks.exposed() == []


@EACH
def test_all_ports_of_a_task_or_none(fresh: StrategySite, name: str) -> None:
    fresh.count = 2
    tasks = gateway(fresh, name)
    tasks.expose(fresh.task("one"))
    with pytest.raises(NoFreeSlot, match="1 free, 2 wanted"):
        tasks.expose(fresh.task("two", 8888, 6006))
    assert [each.task_id for each in tasks.exposed()] == ["one"]
    with pytest.raises(UsageError, match="the ports 8888, 8888"):
        tasks.expose(fresh.task("two", 8888, 8888))


@EACH
@pytest.mark.parametrize("writes", range(7))
def test_a_crash_between_two_ports_is_completed_by_the_same_call(fresh: StrategySite, name: str, writes: int) -> None:
    wanted = fresh.task("one", 8888, 6006)
    try:
        gateway(fresh, name, Failing(fresh.kube, writes)).expose(wanted)
    except ClusterUnreachable:
        assert writes < 6
    addresses = gateway(fresh, name).expose(wanted)
    assert [each.port for each in addresses] == [SLOTS[0], SLOTS[1]]
    assert [each.target_port for each in gateway(fresh, name).exposed()] == [8888, 6006]


@EACH
def test_a_port_of_somebody_elses_listener_is_skipped_and_counted(fresh: StrategySite, name: str) -> None:
    fresh.count = 4
    foreign(fresh, SLOTS[0])
    fresh.kube.create(listener_set({"name": "theirs", "namespace": NAMESPACE}, {}, SLOTS[2]))
    tasks = gateway(fresh, name)
    assert [tasks.expose(fresh.task(task))[0].port for task in ("one", "two")] == [SLOTS[1], SLOTS[3]]
    use = tasks.ports()
    assert (use.tasks, use.foreign, use.free) == (2, 2, 0)
    with pytest.raises(NoFreeSlot, match=r"2 (under|held by other) listeners"):
        tasks.expose(fresh.task("three"))


@EACH
def test_a_released_port_rests_until_no_other_is_free(fresh: StrategySite, name: str) -> None:
    fresh.count = 3
    tasks = gateway(fresh, name)
    ports = [tasks.expose(fresh.task("one"))[0].port]
    for task in ("two", "three", "four", "five"):
        tasks.release("one")
        assert tasks.ports().resting >= 1
        ports.append(tasks.expose(fresh.task(task))[0].port)
        tasks.release(task)
    assert ports == [SLOTS[0], SLOTS[1], SLOTS[2], SLOTS[0], SLOTS[1]]


@EACH
def test_who_follows_reads_nothing_to_expose_and_sees_what_others_do(fresh: StrategySite, name: str) -> None:
    counting = Counting(fresh.kube)
    with gateway(fresh, name, counting) as mine:
        mine.expose(fresh.task("warm"))
        counting.made.clear()
        mine.expose(fresh.task("one"))
        wanted = {"slots": ["patch"], "listeners": ["create", "replace", "apply"]}
        assert counting.writes() == wanted[name]
        if name == "slots":  # the others read the existing objects of the task
            assert set(counting.made) == {"patch"}

        gateway(fresh, name).release("one")
        gateway(fresh, name).expose(fresh.task("other"))
        deadline = time.monotonic() + 10
        while {each.task_id for each in mine.exposed()} != {"warm", "other"}:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        taken = {each.address for each in gateway(fresh, name).exposed()}
        assert mine.expose(fresh.task("two"))[0] not in taken


def test_a_burst_of_claims_costs_one_write_each(fresh: StrategySite) -> None:
    counting = Counting(fresh.kube)
    names = [f"burst-{index}" for index in range(len(SLOTS))]
    with gateway(fresh, "slots", counting) as tasks, ThreadPoolExecutor(20) as pool:
        counting.made.clear()
        ports = [addresses[0].port for addresses in pool.map(lambda each: tasks.expose(fresh.task(each)), names)]
        assert counting.writes() == ["patch"] * len(SLOTS)
        assert sorted(ports) == list(SLOTS)
        list(pool.map(tasks.release, names))
        assert counting.writes() == ["patch"] * 2 * len(SLOTS)
        assert tasks.exposed() == []


@PER_TASK
def test_what_is_made_for_a_task_is_owned_by_its_object(fresh: StrategySite, name: str) -> None:
    made = fresh.kube.create(pod("one"))
    owner = TaskObject(POD, "one", made["metadata"]["uid"])
    (address,) = gateway(fresh, name).expose(replace(fresh.task("one"), object=owner))
    wanted = [{"apiVersion": "v1", "kind": "Pod", "name": "one", "uid": owner.uid}]
    for kind in (SERVICE, ROUTE):
        meta = fresh.kube.get(kind, f"gw-task-{address.port}", NAMESPACE)["metadata"]
        assert meta["ownerReferences"] == wanted
    assert gateway(fresh, name).exposed()[0].kind == "Pod"


@EACH
def test_reconcile_frees_what_has_no_live_task_and_nothing_else(fresh: StrategySite, name: str) -> None:
    tasks = gateway(fresh, name)
    fresh.kube.create(pod("alive"))
    foreign(fresh, SLOTS[-1])
    kept, gone = tasks.expose(fresh.task("alive"))[0], tasks.expose(fresh.task("gone"))[0]
    assert tasks.reconcile() == []  # both claims are young

    (seen,) = tasks.reconcile(grace_seconds=0)
    assert (seen.task_id, seen.port, seen.done) == ("gone", gone.port, False)
    assert [each.task_id for each in tasks.exposed()] == ["alive", "gone"]

    (done,) = tasks.reconcile(dry_run=False, grace_seconds=0)
    assert (done.task_id, done.done, done.reason) == ("gone", True, "the task has no pod or Job")
    assert [each.address for each in tasks.exposed()] == [kept]
    assert SLOTS[-1] in fresh.listeners()
    assert tasks.reconcile(dry_run=False, grace_seconds=0) == []


@PER_TASK
@pytest.mark.parametrize("writes", [1, 2])
def test_reconcile_completes_what_a_crash_left_of_a_live_task(fresh: StrategySite, name: str, writes: int) -> None:
    fresh.kube.create(pod("one"))
    with pytest.raises(ClusterUnreachable):
        gateway(fresh, name, Failing(fresh.kube, writes)).expose(fresh.task("one"))
    (repair,) = gateway(fresh, name).reconcile(dry_run=False, grace_seconds=0)
    assert (repair.action, repair.done) == ("complete", True)
    assert len(fresh.left()) == 3
    assert gateway(fresh, name).reconcile(dry_run=False, grace_seconds=0) == []


@PER_TASK
@pytest.mark.parametrize("writes", [1, 2, 3])
def test_reconcile_finishes_a_release_that_was_cut_short(fresh: StrategySite, name: str, writes: int) -> None:
    fresh.kube.create(pod("one"))
    gateway(fresh, name).expose(fresh.task("one"))
    with pytest.raises(ClusterUnreachable):
        gateway(fresh, name, Failing(fresh.kube, writes)).release("one")
    assert [each.action for each in gateway(fresh, name).reconcile(dry_run=False, grace_seconds=0)] == ["remove"]
    assert fresh.left() == []


@PER_TASK
def test_reconcile_removes_routes_and_listeners_without_a_service(fresh: StrategySite, name: str) -> None:
    (address,) = gateway(fresh, name).expose(fresh.task("one"))
    fresh.kube.delete(SERVICE, f"gw-task-{address.port}", NAMESPACE)
    repairs = gateway(fresh, name).reconcile(dry_run=False, grace_seconds=0)
    assert [(each.action, each.reason, each.done) for each in repairs] == [("remove", "it has no Service", True)] * 2
    assert fresh.left() == []


def test_reconcile_frees_the_later_of_two_slots_for_one_port(fresh: StrategySite) -> None:
    """Two masters exposed the same task at the same time."""
    fresh.kube.create(pod("one"))
    tasks = gateway(fresh, "slots")
    (first,) = tasks.expose(fresh.task("one"))
    (other,) = tasks.expose(fresh.task("two"))
    slot = table.parse(fresh.kube.get(SERVICE, f"gw-slot-{other.port}", NAMESPACE))
    assert slot is not None
    claim = {"metadata": {"annotations": {"task-gateway.dev/claimed-by": "one"}}}
    fresh.kube.patch(SERVICE, slot.service, NAMESPACE, claim)
    (repair,) = tasks.reconcile(dry_run=False, grace_seconds=0)
    assert (repair.port, repair.reason) == (other.port, "target port 8888 has another slot")
    assert [each.address for each in tasks.exposed()] == [first]


@EACH
def test_a_job_that_has_not_ended_keeps_its_ports(fresh: StrategySite, name: str) -> None:
    template = pod("of-a-job")
    template["spec"]["restartPolicy"] = "Never"
    job: Manifest = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "job", "namespace": NAMESPACE},
        "spec": {"template": {"metadata": {"labels": {TASK_LABEL: "of-a-job"}}, "spec": template["spec"]}},
    }
    fresh.kube.create(job)
    try:
        tasks = gateway(fresh, name)
        tasks.expose(Task("of-a-job", NAMESPACE, (8888,)))
        assert tasks.reconcile(grace_seconds=0) == []
    finally:
        fresh.kube.delete("batch/v1/Job", "job", NAMESPACE)
    assert len(tasks.reconcile(grace_seconds=0)) == 1


class Late:
    """An API server whose watches deliver no events until they are allowed to."""

    def __init__(self, kube: Kube) -> None:
        self._kube = kube
        self.let = threading.Event()

    def __getattr__(self, verb: str) -> Any:
        real = getattr(self._kube, verb)
        if verb != "watch":
            return real

        def watch(*args: Any, **kwargs: Any) -> Iterator[Any]:
            self.let.wait()
            yield from real(*args, **kwargs)

        return watch


@EACH
def test_who_follows_late_never_hands_out_anothers_address(fresh: StrategySite, name: str) -> None:
    fresh.count = 1
    late = Late(fresh.kube)
    with gateway(fresh, name, late) as mine:
        mine.expose(fresh.task("one"))
        other = gateway(fresh, name)
        other.release("one")
        other.expose(fresh.task("two"))
        with pytest.raises(NoFreeSlot):
            mine.expose(fresh.task("one"))
        assert [each.task_id for each in other.exposed()] == ["two"]
        late.let.set()


@EACH
def test_who_follows_late_releases_what_another_process_exposed(fresh: StrategySite, name: str) -> None:
    late = Late(fresh.kube)
    with gateway(fresh, name, late) as mine:
        gateway(fresh, name).expose(fresh.task("one"))
        mine.release("one")
        assert gateway(fresh, name).exposed() == []
        late.let.set()
