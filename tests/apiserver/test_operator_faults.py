"""Faults around an operator: it is suspended, connections hang, the API server is down, a burst of labels."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.apiserver.forwarder import forwarding
from tests.apiserver.history import History
from tests.apiserver.operator_processes import Child
from tests.apiserver.operators import HOME, TASKS, OperatorSite, installed, until
from tests.apiserver.planes import gateway_api
from tests.apiserver.situations import SITUATIONS, Situation

from task_gateway.kube import client
from task_gateway.kube.client import Kube
from task_gateway.kube.kinds import LEASE, POD, SERVICE
from task_gateway.model import Cluster
from task_gateway.operator import pods
from task_gateway.operator.lease import LEASE_SECONDS, RENEW_SECONDS, RETRY_SECONDS
from task_gateway.operator.run import Operator
from task_gateway.routing import names
from task_gateway.settings import Settings
from task_gateway_lab.clusters.base import folder

SLOTS = 64
AWAY_SECONDS = 60.0
WATCH_SECONDS = 3.0
WRITERS, FREED = 32, 20


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OperatorSite]:
    with gateway_api("faults", HOME, TASKS) as kube:
        yield installed(kube, tmp_path_factory.mktemp("operator"), SLOTS)


@pytest.fixture
def site(plane: OperatorSite) -> Iterator[OperatorSite]:
    plane.clean()
    yield plane
    plane.clean()


@pytest.mark.parametrize("situation", SITUATIONS.values(), ids=SITUATIONS)
def test_a_replica_stands_still_before_each_write(site: OperatorSite, situation: Situation) -> None:
    """A replica is suspended before each of its writes, another completes them: it changes nothing afterwards."""
    write, stands = 0, True
    while stands:
        settled = partial(situation.settled, site, situation.prepare(site))
        child = Child(site.account.cluster, site.options(), write, signal.SIGSTOP)
        with History.watching(site):
            situation.happens(site)
            with child.running():
                until(partial(stands_or_is_done, child, settled), seconds=60)
                if stands := child.stands_still:
                    site.kube.delete(LEASE, "gw-operator", HOME)
                    with site.operator():
                        until(settled)
                        child.send(signal.SIGCONT)
                        until(partial(follows_after, child, write))
                        until(settled)
        write += 1
    assert write > 2


def stands_or_is_done(child: Child, settled: Callable[[], bool]) -> bool:
    return child.stands_still or settled()


def follows_after(child: Child, write: int) -> bool:
    """Return whether a process knows that it is not the leader any more, after the response to that write."""
    return child.answered.value > write and not child.leads.value


def test_a_replica_stands_still_beyond_its_lease(site: OperatorSite) -> None:
    """A replica is suspended (SIGSTOP) beyond its Lease, and another takes over: it writes nothing when it resumes."""
    with Child(site.account.cluster, site.options(identity="first")).running() as first:
        until(lambda: first.leads.value)
        for name in ("ends", "stays"):
            site.pod(name)
            site.wait(name, "Exposed")
        before = site.address("stays")
        second = Operator(site.account, site.options(identity="second"))
        second.start()
        try:
            first.send(signal.SIGSTOP)
            until(lambda: second.leads, seconds=3 * LEASE_SECONDS)
            site.kube.delete(POD, "ends", TASKS)
            site.pod("starts")
            site.wait("starts", "Exposed")
            until(lambda: len(site.claims()) == 2)
            versions, written = site.versions(), first.begun.value
            first.send(signal.SIGCONT)
            until(lambda: not first.leads.value)
            site.pod("later")
            site.wait("later", "Exposed")
            assert first.begun.value == written
            changed = {each for each, version in versions.items() if site.versions().get(each) != version}
            assert changed == {f"{SERVICE} gw-slot-{site.address('later').rpartition(':')[2]}"}
            assert site.address("stays") == before
        finally:
            second.stop()


def test_a_claim_for_a_pod_that_is_gone(site: OperatorSite) -> None:
    """A replica is suspended before a claim, and the pod is deleted: its late claim is freed at once."""
    child = Child(site.account.cluster, site.options(), 0, signal.SIGSTOP)
    with child.running():
        site.pod("gone")
        until(lambda: child.stands_still)
        site.kube.delete(POD, "gone", TASKS)
        site.kube.delete(LEASE, "gw-operator", HOME)
        with History.watching(site) as history, site.operator():
            child.send(signal.SIGCONT)
            until(partial(follows_after, child, 0))
            until(lambda: site.claims() == {})
            site.pod("next")
            site.wait("next", "Exposed")
        assert len(history.events) > SLOTS


class Split:
    """An API server whose watches use separate connections."""

    def __init__(self, kube: Kube, watched: Kube) -> None:
        self._kube, self._watched = kube, watched

    def __getattr__(self, name: str) -> Any:
        return getattr(self._watched if name == "watch" else self._kube, name)


@pytest.mark.parametrize("which", ["all", "watches"])
def test_connections_hang(site: OperatorSite, tmp_path: Path, which: str) -> None:
    """All connections of the operator hang, or only its watches: it opens new ones, and misses no end of a pod."""
    with forwarding(site.account.cluster.kubeconfig, tmp_path) as (forwarder, kubeconfig):
        kube = Kube(Cluster("forwarded", "existing", kubeconfig), Settings(watch_seconds=WATCH_SECONDS))
        with History.watching(site), site.operator(kube if which == "all" else Split(site.account, kube)) as operator:
            for name in ("ends", "stays"):
                site.pod(name)
                site.wait(name, "Exposed")
            before = site.address("stays")
            assert forwarder.hang() > 3
            site.kube.delete(POD, "ends", TASKS)
            site.pod("starts")
            until(lambda: site.exposed_condition("starts") == ("True", "Exposed"), seconds=3 * client.IDLE_SECONDS)
            until(lambda: sorted(site.claims().values()) == sorted(site.uid(each) for each in ("stays", "starts")))
            assert site.address("stays") == before
            assert "task_gateway_operator_watch_restarts_total 0" not in operator.text().splitlines()


def test_the_api_server_is_away(site: OperatorSite, share: int) -> None:
    """The API server is suspended for 60 s: no replica acts, then one does again, and all ports are unchanged."""
    pid = int((folder(site.kube.cluster.name) / "kube-apiserver.pid").read_text())
    seconds = AWAY_SECONDS if share == 1 else RENEW_SECONDS + RETRY_SECONDS
    with History.watching(site), site.operator(identity="one") as one:
        two = Operator(site.account, site.options(identity="two"))
        two.start()
        try:
            site.pod("stays")
            site.wait("stays", "Exposed")
            before = site.notes("stays")
            os.kill(pid, signal.SIGSTOP)
            try:
                ends = time.monotonic() + seconds
                until(lambda: not one.leads, seconds=seconds)
                time.sleep(max(0.0, ends - time.monotonic()))
                assert not two.leads
            finally:
                os.kill(pid, signal.SIGCONT)
            until(lambda: one.leads or two.leads, seconds=2 * LEASE_SECONDS)
            site.pod("starts")
            site.wait("starts", "Exposed")
            site.kube.delete(POD, "starts", TASKS)
            until(lambda: list(site.claims().values()) == [site.uid("stays")])
            assert site.notes("stays") == before
        finally:
            two.stop()


def test_more_pods_than_slots_at_once(site: OperatorSite, share: int) -> None:
    """1,000 pods are labelled at once for 64 slots: the first 64 get one each, and each freed slot goes to the next."""
    wanted = [f"pod-{number:03}" for number in range(1000 // share)]
    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(lambda name: site.pod(name, None), wanted))
        with History.watching(site), site.operator():
            began = time.monotonic()
            versions = dict(zip(wanted, pool.map(partial(labelled, site), wanted), strict=True))
            seconds = time.monotonic() - began
            order = sorted(wanted, key=lambda name: versions[name])
            until(lambda: None not in reasons(site).values(), lambda: reasons(site), seconds=120)
            print(f"{len(wanted)} pods labelled in {seconds:.1f} s, all answered in {time.monotonic() - began:.1f} s")
            assert reasons(site) == {name: "Exposed" if name in order[:SLOTS] else "NoFreeSlot" for name in wanted}
            for gone, following in zip(order[:FREED], order[SLOTS:][:FREED], strict=True):
                site.kube.delete(POD, gone, TASKS)
                site.wait(following, "Exposed")
                assert list(reasons(site).values()).count("Exposed") == SLOTS
            assert set(site.claims().values()) == {site.uid(each) for each in order[FREED:][:SLOTS]}


def labelled(site: OperatorSite, name: str) -> int:
    return int(site.change(name, labels={names.EXPOSE: "8888"})["metadata"]["resourceVersion"])


def reasons(site: OperatorSite) -> dict[str, str | None]:
    """Return the reason in the condition of each pod."""
    return {each["metadata"]["name"]: pods.parse(each).condition.reason or None for each in site.kube.list(POD, TASKS)}
