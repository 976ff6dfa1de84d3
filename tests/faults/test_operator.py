"""The operator is killed, suspended, disconnected or down, while other clients expose tasks with the library."""

import json
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from signal import SIGCONT, SIGKILL, SIGSTOP

import pytest
from tests.faults.conftest import LIVE
from tests.faults.lab import COUNT, NAMESPACE, POD, RELEASE, START, FaultLab
from tests.faults.operating import Operated
from tests.faults.serving import Stream
from tests.faults.test_clusters import exists
from tests.faults.watching import until, watching

from task_gateway.errors import CommandFailed
from task_gateway.kube import helm
from task_gateway.kube.wait import wait_for
from task_gateway.model import TASK_LABEL
from task_gateway.routing import names
from task_gateway.routing.reach import wait_until_answers, wait_until_refused
from task_gateway.settings import API_READY, POD_READY, Wait
from task_gateway_lab.clusters import base
from task_gateway_lab.clusters.node import API_SERVER
from task_gateway_lab.master.launcher import not_ready

BURST = tuple(f"burst-{number}" for number in range(12))
AWAY_SECONDS = 60.0
TEAM = "team-of-the-operator"
CLOSED = Wait("closed", "connections to the port of a deleted pod fail", 60)


@pytest.fixture(scope="module")
def installed(site: FaultLab) -> Iterator[Operated]:
    """The release with the operator, whose image is loaded; afterwards without the operator."""
    (archive,) = (Path(__file__).parents[2] / "dist").glob("task-gateway-operator-*.oci.tar")
    made = Operated(site, archive)
    base.load(site.cluster.name, archive)
    made.upgrade()
    yield made
    site.upgrade(site.values)


@pytest.fixture
def operated(installed: Operated) -> Iterator[Operated]:
    """Four live tasks of the library; labelled pods of a test are removed after it."""
    for task in LIVE:
        installed.lab.expose(task)
    installed.lab.everything_holds()
    yield installed
    installed.clear()
    installed.lab.clear(keep=LIVE)


@pytest.mark.parametrize("how", ["the process is killed", "the pod is deleted"])
def test_the_operator_ends_in_a_burst_of_labels(operated: Operated, how: str) -> None:
    """The operator is killed while 12 labelled pods get their ports: the other replica gives each pod one port."""
    lab = operated.lab
    operated.start(*BURST, labelled=False)
    leader = operated.leader()
    process = operated.process(leader)
    with watching(lab.greetings) as seen:
        operated.label_all()
        until(lambda: "" if lab.tasks().ports().tasks > len(LIVE) + 1 else "no claim yet", CLOSED.seconds)
        if how == "the process is killed":
            lab.node.send(SIGKILL, process)
        else:
            operated.kubectl("delete", "pod", leader, "--grace-period=0", "--force")
        assert len({operated.exposed(name) for name in BURST}) == len(BURST)
        lab.everything_holds()
    assert (seen.failed, seen.strangers) == ([], [])


def test_a_replica_stands_still_beyond_its_lease(operated: Operated) -> None:
    """A replica is suspended beyond its Lease, and the other takes over: it writes nothing when it continues."""
    lab, node = operated.lab, operated.lab.node
    operated.start("ends", "stays")
    gone, stays = operated.exposed("ends"), operated.exposed("stays")
    operated.start("starts", labelled=False)
    leader, uid = operated.leader(), operated.uid("ends")
    process, restarts = operated.process(leader), operated.restarts(leader)
    node.send(SIGSTOP, process)
    operated.kubectl("delete", "pod", "ends", "--grace-period=0", "--force")
    operated.kubectl("label", "pod", "starts", operated.label)
    operated.another_leads(leader)
    operated.exposed("starts")
    operated.freed(uid)
    went_on = datetime.now(UTC)
    node.send(SIGCONT, process)
    operated.start("later")
    operated.exposed("later")
    lab.everything_holds()
    assert lab.greetings[stays] == operated.greeting("stays")
    wait_until_refused(gone, CLOSED)
    assert operated.restarts(leader) == restarts, "the kubelet replaced the replica before it could continue"
    assert operated.wrote_since(leader, went_on) == []


@pytest.mark.parametrize("how", ["deleted", "completed"])
def test_the_operator_is_away_and_an_address_is_used_again(operated: Operated, how: str) -> None:
    """Without any replica a pod ends, and another one gets its IP address: the port of the first is closed."""
    lab = operated.lab
    operated.start("first")
    port, inherited, uid = operated.exposed("first"), operated.address("first"), operated.uid("first")
    operated.scale(0)
    try:
        with watching({port: operated.greeting("first")}) as seen:
            if how == "deleted":
                operated.kubectl("delete", "pod", "first", "--grace-period=0", "--force")
            else:
                with closing(Stream(port)) as stream:
                    stream.echoes("end")
            lab.give_next(inherited)
            operated.start("second")
            assert operated.address("second") == inherited
            seen.more(200)
        assert seen.strangers == []
        wait_until_refused(port, CLOSED)
    finally:
        operated.scale(2)
    operated.freed(uid)
    operated.exposed("second")
    lab.everything_holds()


def test_the_connections_of_the_leader_hang(operated: Operated) -> None:
    """All connections of the leader hang: the other replica takes over, and no start or end of a pod is missed."""
    lab = operated.lab
    operated.start("ends", "stays")
    operated.exposed("stays")
    gone, uid = operated.exposed("ends"), operated.uid("ends")
    leader = operated.leader()
    with operated.hanging(leader):
        operated.kubectl("delete", "pod", "ends", "--grace-period=0", "--force")
        operated.start("starts")
        operated.exposed("starts")
        operated.freed(uid)
        assert operated.leader() != leader
        wait_until_refused(gone, CLOSED)
        lab.everything_holds()


def test_the_api_server_is_away(operated: Operated) -> None:
    """The API server is suspended for 60 s: exposed pods answer meanwhile, and others are exposed afterwards."""
    lab = operated.lab
    operated.start("stays")
    operated.exposed("stays")
    with watching(lab.greetings) as seen:
        with lab.node.stopped(API_SERVER):
            ends = time.monotonic() + AWAY_SECONDS
            while time.monotonic() < ends:
                seen.more(1)
            assert seen.failed == []
        until(lambda: lab.kube.ready() or "", API_READY.seconds)
        operated.start("starts")
        operated.exposed("starts")
    assert seen.strangers == []
    lab.everything_holds()


def test_a_user_labels_a_pod_as_that_of_another(operated: Operated) -> None:
    """A user with the role `edit` writes another pod's task, an address, a slot's selector: policies refuse each."""
    operated.start("theirs")
    operated.start("own", labelled=False)
    port, user = operated.exposed("theirs"), "eve"
    slot, selector = f"{RELEASE}-slot-{port.port}", json.dumps({"spec": {"selector": {"burst": "yes"}}})
    acts: list[tuple[str, tuple[str, ...]]] = [
        ("pods", ("label", "pod", "own", f"{TASK_LABEL}={operated.uid('theirs')}")),
        ("pods", ("annotate", "pod", "own", f"{names.ADDRESS}={port}")),
        ("claims", ("patch", "service", slot, "--patch", selector)),
    ]
    operated.kubectl("create", "rolebinding", user, "--clusterrole=edit", f"--user={user}")
    try:
        with watching({port: operated.greeting("theirs")}) as seen:
            for policy, words in acts:
                with pytest.raises(CommandFailed, match=f"{RELEASE}.{NAMESPACE}-{policy}"):
                    operated.kubectl(*words, user=user)
            operated.kubectl("label", "pod", "own", operated.label, user=user)
            assert operated.exposed("own") != port
        assert (seen.failed, seen.strangers) == ([], [])
    finally:
        operated.kubectl("delete", "rolebinding", user)
    operated.lab.everything_holds()


def test_the_namespace_of_a_labelled_pod_is_deleted(operated: Operated) -> None:
    """A task namespace with a labelled pod is deleted: its port closes, and pods elsewhere are exposed as before."""
    lab = operated.lab
    lab.kube.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": TEAM}})
    slots = [*lab.values["slots"], {"namespace": TEAM, "start": START + COUNT, "count": 1}]
    operated.upgrade(operated.values | {"slots": slots})
    try:
        lab.kube.create(operated.pod("of-the-team", TEAM))
        wait_for(lab.kube, POD_READY, POD, "of-the-team", TEAM, not_ready)
        address = operated.exposed("of-the-team", TEAM)
        wait_until_answers(address)
        with watching(lab.greetings) as seen:
            lab.kube.delete("v1/Namespace", TEAM)
            until(lambda: "it still exists" if exists(lab, TEAM) else "", POD_READY.seconds)
            wait_until_refused(address, CLOSED)
            operated.start("elsewhere")
            operated.exposed("elsewhere")
            lab.everything_holds()
    finally:
        operated.upgrade()
    lab.everything_holds()
    assert (seen.failed, seen.strangers) == ([], [])


@pytest.mark.parametrize("mode", [("--server-side=true", "--force-conflicts"), ("--server-side=false",)], ids=" ".join)
def test_the_chart_is_upgraded_and_rolled_back(operated: Operated, mode: tuple[str, ...]) -> None:
    """`helm upgrade`, forced on the server or not, and `helm rollback` under labelled pods: no connection ends."""
    lab = operated.lab
    operated.start("stays")
    stream = Stream(operated.exposed("stays"))
    changed = helm.merged(operated.values, {"operator": {"podAnnotations": {"changed": " ".join(mode)}}})
    try:
        with watching(lab.greetings) as seen:
            operated.upgrade(changed, *mode)
            assert stream.echoes("after the upgrade")
            operated.start("starts")
            operated.exposed("starts")
            assert stream.echoes("after another pod was exposed")
            operated.roll_back()
            lab.everything_holds()
            assert stream.echoes("after the rollback")
        assert (seen.failed, seen.strangers) == ([], [])
    finally:
        stream.close()


def test_a_forced_upgrade_on_the_client_is_refused(operated: Operated) -> None:
    """`helm upgrade --force-replace` under labelled pods: a policy refuses it, no port moves, the next one works."""
    lab = operated.lab
    operated.start("stays")
    operated.exposed("stays")
    with watching(lab.greetings) as seen:
        with pytest.raises(CommandFailed, match=f"is a slot of Gateway {RELEASE}"):
            operated.upgrade(operated.values, "--server-side=false", "--force-replace")
        lab.everything_holds()
        operated.upgrade()
        lab.everything_holds()
    assert (seen.failed, seen.strangers) == ([], [])
