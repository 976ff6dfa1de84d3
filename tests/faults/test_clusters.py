"""Faults around the tasks: reused addresses, upgrades, a deleted namespace, foreign listeners."""

import pytest
from tests.faults.lab import COUNT, NAMESPACE, POD, PORTS, RELEASE, START, FaultLab
from tests.faults.serving import Stream, greeting, pod
from tests.faults.watching import until, watching

from task_gateway import settings
from task_gateway.checks import run
from task_gateway.checks.base import CheckResult
from task_gateway.errors import NotFound
from task_gateway.inventory.target import GatewayTarget
from task_gateway.kube.wait import wait_for
from task_gateway.model import InternalTaskGateway, Manifest, ResourceManager, Task
from task_gateway.routing.gateway import TaskGateway
from task_gateway.routing.gateway_api import GATEWAY, LISTENER_SET
from task_gateway.routing.reach import wait_until_refused
from task_gateway.settings import Wait
from task_gateway_lab.master.launcher import not_ready

TEAM = "team"
SERVER_SIDE, CLIENT_SIDE = "--server-side=true", "--server-side=false"
REPLACED = Wait("controller-replaced", "the kubelet has replaced the controller, and connections to the port fail", 300)
MANY, MANY_PORTS = tuple(f"many-{number}" for number in range(10)), tuple(range(8001, 8006))


def test_the_address_of_a_pod_goes_to_another_tasks_pod(lab: FaultLab) -> None:
    """A new task's pod gets the IP address of a pod that ended: the old task's port never connects to it."""
    lab.start("first")
    (address,) = lab.expose("first")
    with watching({address: greeting("first", PORTS[0])}) as seen:
        inherit(lab, "first", "second")
        seen.more(200)
    assert seen.strangers == []
    lab.tasks().reconcile(dry_run=False, grace_seconds=0)
    lab.forget("first")
    lab.expose("second")
    lab.everything_holds()


class Misled(Exception):
    """A connection to one task's port was answered by another task."""


@pytest.mark.xfail(raises=Misled, strict=True, reason="Envoy keeps the address that the controller told it last")
def test_the_address_of_a_pod_goes_to_another_tasks_pod_without_a_controller(lab: FaultLab) -> None:
    """The same while the gateway controller is stopped: the old task's port never connects to the new pod."""
    lab.start("first")
    (address,) = lab.expose("first")
    with watching({address: greeting("first", PORTS[0])}) as seen, lab.node.stopped(lab.controller.process):
        inherit(lab, "first", "second")
        seen.more(200)
    if seen.strangers:
        raise Misled(seen.strangers[0])


def test_a_controller_that_stands_still_is_replaced(lab: FaultLab) -> None:
    """The same without intervention: the kubelet replaces the controller, and then the port connects to no pod."""
    lab.start("first")
    (address,) = lab.expose("first")
    with lab.node.stopped(lab.controller.process):
        inherit(lab, "first", "second")
        wait_until_refused(address, REPLACED)
    lab.tasks().reconcile(dry_run=False, grace_seconds=0)
    lab.forget("first")
    lab.expose("second")
    lab.everything_holds()


def inherit(lab: FaultLab, first: str, second: str) -> None:
    """Kill a pod without a grace period, and start another task's pod with its address."""
    address = lab.kube.get(POD, first, NAMESPACE)["status"]["podIP"]
    lab.kill_pods(f"task-gateway.dev/task={first}")
    lab.give_next(address)
    lab.start(second)
    assert lab.kube.get(POD, second, NAMESPACE)["status"]["podIP"] == address


@pytest.mark.parametrize("mode", [SERVER_SIDE, CLIENT_SIDE])
def test_the_chart_is_upgraded_under_live_tasks(lab: FaultLab, mode: str) -> None:
    """`helm upgrade`, server-side and client-side, with 50 live ports of 10 tasks: no connection ends."""
    lab.start(*MANY, ports=MANY_PORTS)
    for task in MANY:
        lab.expose(task, MANY_PORTS)
    streams = [Stream(each) for each in lab.greetings]
    try:
        with watching(lab.greetings) as seen:
            changed = lab.values | {"rbac": {"subjects": [{"kind": "User", "name": mode.strip("-=")}]}}
            changed["slots"][0]["count"] += 4
            lab.upgrade(changed, mode)
            lab.everything_holds()
            lab.upgrade(lab.values, mode)
            lab.everything_holds()
        assert (seen.failed, seen.strangers) == ([], [])
        assert [each.address for each in streams if not each.echoes("still here")] == []
    finally:
        for each in streams:
            each.close()


def test_the_release_is_about_to_be_uninstalled(lab: FaultLab) -> None:
    """`helm uninstall` would disconnect live tasks: `check --uninstall` and the chart's notes list them by name."""
    lab.start("leaving")
    lab.expose("leaving")
    live = {task for task, _ in lab.told["slots"].values()}

    def warned() -> str:
        manager = ResourceManager("east", "east", internal_task_gateway=lab.gateway)
        looked = run.of_target(GatewayTarget(manager, lab.kube), named=False, uninstall=True)
        (found,) = [each for each in looked if each.code == "ITG0512"]
        return f"{found.result}: {found.message}"

    def notes() -> str:
        return lab.upgrade(lab.values)

    assert warned().startswith(f"{CheckResult.WARNING}: {len(live)} live tasks: ")
    assert "leaving" in warned() or len(live) > 3
    assert f"{len(live)} tasks are exposed through the Gateway" in notes()
    for task in live:
        lab.release(task)
    assert warned().startswith(CheckResult.OK)
    assert "exposed through the Gateway" not in notes()


def test_a_namespace_is_deleted_under_a_task(lab: FaultLab) -> None:
    """The namespace of a task is deleted: a reconcile frees its port for other tasks, and all other tasks answer."""
    gateway = lab.range_of("listeners")
    tasks = TaskGateway(lab.kube, gateway, TEAM, "listeners")
    lab.kube.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": TEAM}})
    told = bool(lab.controller.watch_option)  # it only watches the namespaces in the chart's values
    if told:
        lab.upgrade(
            lab.values | {"slots": [*lab.values["slots"], {"namespace": TEAM, "start": START + COUNT, "count": 1}]},
            SERVER_SIDE,
        )
    with watching(lab.greetings) as seen:
        lab.kube.create(pod("of-the-team", TEAM, PORTS))
        wait_for(lab.kube, settings.POD_READY, POD, "of-the-team", TEAM, not_ready)
        (address,) = tasks.expose(Task("of-the-team", TEAM, PORTS[:1]), wait=settings.TASK_EXPOSED)
        lab.kube.delete("v1/Namespace", TEAM)
        until(lambda: "it still exists" if exists(lab, TEAM) else "", settings.POD_READY.seconds)
        wait_until_refused(address)
        assert tasks.exposed() == []
        repairs = tasks.reconcile(dry_run=False, grace_seconds=0)
        assert [(each.action, each.port, each.done) for each in repairs] == [("remove", address.port, True)]
        lab.start("heir")
        assert lab.expose("heir", strategy="listeners") == (address,)
        lab.everything_holds()
    if told:
        lab.upgrade(lab.values, SERVER_SIDE)
        lab.everything_holds()
    assert (seen.failed, seen.strangers) == ([], [])


def exists(lab: FaultLab, namespace: str) -> bool:
    try:
        lab.kube.get("v1/Namespace", namespace)
    except NotFound:
        return False
    return True


@pytest.mark.parametrize("strategy", ["slots", "listeners"])
def test_somebody_else_adds_listeners_in_our_range(lab: FaultLab, strategy: str) -> None:
    """Others add listeners in our range, to the Gateway and to a ListenerSet: expose skips, reconcile keeps them."""
    in_sets = lab.controller.listener_sets
    whole = lab.range_of(strategy)
    first = START + 50 if strategy == "slots" else whole.gateway_port_range_start
    three = InternalTaskGateway(RELEASE, NAMESPACE, whole.gateway_ip, first, first + 2)
    tasks = TaskGateway(lab.kube, three, NAMESPACE, strategy)
    lab.start("late")
    before = lab.kube.get(GATEWAY, RELEASE, NAMESPACE)["spec"]["listeners"]
    lab.kube.patch(GATEWAY, RELEASE, NAMESPACE, {"spec": {"listeners": [*before, listener("theirs", first)]}})
    if in_sets:
        lab.kube.create(their_listener_set(first + 1))
    try:
        addresses = tasks.expose(lab.task("late"), wait=settings.TASK_EXPOSED)
        lab.remember(strategy, "late", PORTS[:1], addresses)
        assert [each.port for each in addresses] == [first + 1 + in_sets]
        assert tasks.ports().foreign == 1 + in_sets
        assert tasks.reconcile(dry_run=False, grace_seconds=0) == []
        lab.everything_holds()
        listeners = lab.kube.get(GATEWAY, RELEASE, NAMESPACE)["spec"]["listeners"]
        assert "theirs" in [each["name"] for each in listeners]
        if in_sets:
            assert lab.kube.get(LISTENER_SET, "theirs", NAMESPACE)["spec"]["listeners"][0]["port"] == first + 1
        lab.release("late", strategy=strategy)
    finally:
        if in_sets:
            lab.kube.delete(LISTENER_SET, "theirs", NAMESPACE)
        lab.kube.patch(GATEWAY, RELEASE, NAMESPACE, {"spec": {"listeners": before}})
    lab.everything_holds()


def listener(name: str, port: int) -> Manifest:
    return {"name": name, "port": port, "protocol": "TCP"}


def their_listener_set(port: int) -> Manifest:
    return {
        "apiVersion": LISTENER_SET.rpartition("/")[0],
        "kind": "ListenerSet",
        "metadata": {"name": "theirs", "namespace": NAMESPACE},
        "spec": {"parentRef": {"name": RELEASE}, "listeners": [listener("theirs", port)]},
    }
