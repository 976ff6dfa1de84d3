"""What happens around the tasks: addresses reused, upgrades, a namespace deleted, listeners of somebody else."""

import pytest
from tests.faults.serving import Stream, greeting, pod
from tests.faults.stand import COUNT, NAMESPACE, POD, PORTS, RELEASE, START, Stand
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
REPLACED = Wait("controller-replaced", "the kubelet has replaced the controller, and the port reaches nothing", 300)
MANY, MANY_PORTS = tuple(f"many-{number}" for number in range(10)), tuple(range(8001, 8006))


def test_the_address_of_a_pod_goes_to_another_tasks_pod(stand: Stand) -> None:
    """A new task's pod gets the IP address of a pod that ended: the old task's port never connects to it."""
    stand.start("first")
    (address,) = stand.expose("first")
    with watching({address: greeting("first", PORTS[0])}) as seen:
        inherit(stand, "first", "second")
        seen.more(200)
    assert seen.strangers == []
    stand.tasks().reconcile(dry_run=False, grace_seconds=0)
    stand.forget("first")
    stand.expose("second")
    stand.everything_holds()


class Misled(Exception):
    """A connection to one task's port was answered by another task."""


@pytest.mark.xfail(raises=Misled, strict=True, reason="Envoy keeps the address that the controller told it last")
def test_the_address_of_a_pod_goes_to_another_tasks_pod_without_a_controller(stand: Stand) -> None:
    """The same while the gateway controller is stopped: the old task's port never connects to the new pod."""
    stand.start("first")
    (address,) = stand.expose("first")
    with watching({address: greeting("first", PORTS[0])}) as seen, stand.node.stopped(stand.controller.process):
        inherit(stand, "first", "second")
        seen.more(200)
    if seen.strangers:
        raise Misled(seen.strangers[0])


def test_a_controller_that_stands_still_is_replaced(stand: Stand) -> None:
    """The same without intervention: the kubelet replaces the controller, and then the port connects to no pod."""
    stand.start("first")
    (address,) = stand.expose("first")
    with stand.node.stopped(stand.controller.process):
        inherit(stand, "first", "second")
        wait_until_refused(address, REPLACED)
    stand.tasks().reconcile(dry_run=False, grace_seconds=0)
    stand.forget("first")
    stand.expose("second")
    stand.everything_holds()


def inherit(stand: Stand, first: str, second: str) -> None:
    """Kill a pod without warning, and start another task's with the address that it had."""
    address = stand.kube.get(POD, first, NAMESPACE)["status"]["podIP"]
    stand.kill_pods(f"task-gateway.dev/task={first}")
    stand.give_next(address)
    stand.start(second)
    assert stand.kube.get(POD, second, NAMESPACE)["status"]["podIP"] == address


@pytest.mark.parametrize("mode", [SERVER_SIDE, CLIENT_SIDE])
def test_the_chart_is_upgraded_under_live_tasks(stand: Stand, mode: str) -> None:
    """`helm upgrade`, server-side and client-side, with 50 live ports of 10 tasks: no connection ends."""
    stand.start(*MANY, ports=MANY_PORTS)
    for task in MANY:
        stand.expose(task, MANY_PORTS)
    streams = [Stream(each) for each in stand.greetings]
    try:
        with watching(stand.greetings) as seen:
            changed = stand.values | {"rbac": {"subjects": [{"kind": "User", "name": mode.strip("-=")}]}}
            changed["slots"][0]["count"] += 4
            stand.upgrade(changed, mode)
            stand.everything_holds()
            stand.upgrade(stand.values, mode)
            stand.everything_holds()
        assert (seen.failed, seen.strangers) == ([], [])
        assert [each.address for each in streams if not each.echoes("still here")] == []
    finally:
        for each in streams:
            each.close()


def test_the_release_is_about_to_be_uninstalled(stand: Stand) -> None:
    """`helm uninstall` would disconnect live tasks: `check --uninstall` and the chart's notes list them by name."""
    stand.start("leaving")
    stand.expose("leaving")
    live = {task for task, _ in stand.told["slots"].values()}

    def warned() -> str:
        manager = ResourceManager("east", "east", internal_task_gateway=stand.gateway)
        looked = run.of_target(GatewayTarget(manager, stand.kube), named=False, uninstall=True)
        (found,) = [each for each in looked if each.code == "ITG0512"]
        return f"{found.result}: {found.message}"

    def notes() -> str:
        return stand.upgrade(stand.values)

    assert warned().startswith(f"{CheckResult.WARNING}: {len(live)} live tasks: ")
    assert "leaving" in warned() or len(live) > 3
    assert f"{len(live)} tasks are exposed through the Gateway" in notes()
    for task in live:
        stand.release(task)
    assert warned().startswith(CheckResult.OK)
    assert "exposed through the Gateway" not in notes()


def test_a_namespace_is_deleted_under_a_task(stand: Stand) -> None:
    """The namespace of a task is deleted: a reconcile frees its port for other tasks, and all other tasks answer."""
    gateway = stand.range_of("listeners")
    tasks = TaskGateway(stand.kube, gateway, TEAM, "listeners")
    stand.kube.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": TEAM}})
    told = bool(stand.controller.watch_option)  # it reads no other namespaces than the chart names
    if told:
        stand.upgrade(
            stand.values | {"slots": [*stand.values["slots"], {"namespace": TEAM, "start": START + COUNT, "count": 1}]},
            SERVER_SIDE,
        )
    with watching(stand.greetings) as seen:
        stand.kube.create(pod("of-the-team", TEAM, PORTS))
        wait_for(stand.kube, settings.POD_READY, POD, "of-the-team", TEAM, not_ready)
        (address,) = tasks.expose(Task("of-the-team", TEAM, PORTS[:1]), wait=settings.TASK_EXPOSED)
        stand.kube.delete("v1/Namespace", TEAM)
        until(lambda: "it is there still" if exists(stand, TEAM) else "", settings.POD_READY.seconds)
        wait_until_refused(address)
        assert tasks.exposed() == []
        repairs = tasks.reconcile(dry_run=False, grace_seconds=0)
        assert [(each.action, each.port, each.done) for each in repairs] == [("remove", address.port, True)]
        stand.start("heir")
        assert stand.expose("heir", strategy="listeners") == (address,)
        stand.everything_holds()
    if told:
        stand.upgrade(stand.values, SERVER_SIDE)
        stand.everything_holds()
    assert (seen.failed, seen.strangers) == ([], [])


def exists(stand: Stand, namespace: str) -> bool:
    try:
        stand.kube.get("v1/Namespace", namespace)
    except NotFound:
        return False
    return True


@pytest.mark.parametrize("strategy", ["slots", "listeners"])
def test_somebody_else_adds_listeners_in_our_range(stand: Stand, strategy: str) -> None:
    """Others add listeners in our range, to the Gateway and to a ListenerSet: expose skips, reconcile keeps them."""
    in_sets = stand.controller.listener_sets
    whole = stand.range_of(strategy)
    first = START + 50 if strategy == "slots" else whole.gateway_port_range_start
    three = InternalTaskGateway(RELEASE, NAMESPACE, whole.gateway_ip, first, first + 2)
    tasks = TaskGateway(stand.kube, three, NAMESPACE, strategy)
    stand.start("late")
    before = stand.kube.get(GATEWAY, RELEASE, NAMESPACE)["spec"]["listeners"]
    stand.kube.patch(GATEWAY, RELEASE, NAMESPACE, {"spec": {"listeners": [*before, listener("theirs", first)]}})
    if in_sets:
        stand.kube.create(their_listener_set(first + 1))
    try:
        addresses = tasks.expose(stand.task("late"), wait=settings.TASK_EXPOSED)
        stand.remember(strategy, "late", PORTS[:1], addresses)
        assert [each.port for each in addresses] == [first + 1 + in_sets]
        assert tasks.ports().foreign == 1 + in_sets
        assert tasks.reconcile(dry_run=False, grace_seconds=0) == []
        stand.everything_holds()
        listeners = stand.kube.get(GATEWAY, RELEASE, NAMESPACE)["spec"]["listeners"]
        assert "theirs" in [each["name"] for each in listeners]
        if in_sets:
            assert stand.kube.get(LISTENER_SET, "theirs", NAMESPACE)["spec"]["listeners"][0]["port"] == first + 1
        stand.release("late", strategy=strategy)
    finally:
        if in_sets:
            stand.kube.delete(LISTENER_SET, "theirs", NAMESPACE)
        stand.kube.patch(GATEWAY, RELEASE, NAMESPACE, {"spec": {"listeners": before}})
    stand.everything_holds()


def listener(name: str, port: int) -> Manifest:
    return {"name": name, "port": port, "protocol": "TCP"}


def their_listener_set(port: int) -> Manifest:
    return {
        "apiVersion": LISTENER_SET.rpartition("/")[0],
        "kind": "ListenerSet",
        "metadata": {"name": "theirs", "namespace": NAMESPACE},
        "spec": {"parentRef": {"name": RELEASE}, "listeners": [listener("theirs", port)]},
    }
