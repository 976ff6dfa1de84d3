"""Several operators, and crashes: the Lease, kills before every write, and outdated caches."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial

import pytest
from tests.apiserver.operator_processes import killed
from tests.apiserver.operators import HOME, IP, TASKS, OperatorSite, installed, until
from tests.apiserver.planes import gateway_api
from tests.apiserver.situations import SITUATIONS, SLOTS, Situation

from task_gateway.kube.kinds import LEASE, POD
from task_gateway.operator.run import Operator


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OperatorSite]:
    with gateway_api("replicas", HOME, TASKS) as kube:
        yield installed(kube, tmp_path_factory.mktemp("operator"), SLOTS)


@pytest.fixture
def site(plane: OperatorSite) -> Iterator[OperatorSite]:
    plane.clean()
    yield plane
    plane.clean()


def test_one_of_two_acts_and_the_other_takes_over_at_once(site: OperatorSite) -> None:
    with site.operator(identity="one") as one:
        two = Operator(site.account, site.options(identity="two"))
        try:
            two.start()
            site.pod("a")
            site.wait("a", "Exposed")
            assert (one.leads, two.leads) == (True, False)
            one.stop()
            began = time.monotonic()
            until(lambda: two.leads)
            assert time.monotonic() - began < 10  # the Lease lasts for 15 s: it was freed
            site.pod("b")
            site.wait("b", "Exposed")
            spec = site.kube.get(LEASE, "gw-operator", HOME)["spec"]
            assert (spec["holderIdentity"], spec["leaseDurationSeconds"]) == ("two", 15)
        finally:
            two.stop()
    assert site.kube.get(LEASE, "gw-operator", HOME)["spec"]["holderIdentity"] == ""


def test_a_holder_that_vanished_is_waited_for_and_one_that_lost_the_lease_stops(site: OperatorSite) -> None:
    with site.operator(identity="one") as one:
        lease = site.kube.get(LEASE, "gw-operator", HOME)
        lease["spec"] |= {"holderIdentity": "thief", "leaseDurationSeconds": 2}
        until(lambda: _taken(site, lease))
        until(lambda: not one.leads)
        site.pod("a")
        until(lambda: one.leads)  # two seconds without a renewal
        site.wait("a", "Exposed")


def _taken(site: OperatorSite, lease: dict[str, object]) -> bool:
    fresh = site.kube.get(LEASE, "gw-operator", HOME)
    fresh["spec"] = lease["spec"]
    site.kube.replace(fresh)
    return True


@pytest.mark.parametrize("situation", SITUATIONS.values(), ids=SITUATIONS)
def test_killed_before_each_write(site: OperatorSite, situation: Situation) -> None:
    """The operator is killed (SIGKILL) before each of its writes: the next one completes what was begun."""
    write, was_killed = 0, True
    while was_killed:
        settled = partial(situation.settled, site, situation.prepare(site))
        situation.happens(site)
        was_killed = killed(site.account.cluster, site.options(), write, settled)
        site.kube.delete(LEASE, "gw-operator", HOME)
        with site.operator():
            until(settled, lambda: f"after a kill: {site.claims()}")
        write += 1
    assert write > 3


def test_two_operators_that_both_act_do_no_harm(site: OperatorSite, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two replicas act at the same time: each pod gets one port in the end, and no port has two pods."""
    monkeypatch.setattr("task_gateway.operator.lease.Elector.leads", True)
    with site.operator(identity="one"):
        two = Operator(site.account, site.options(identity="two"))
        two.start()
        try:
            for number in range(SLOTS):
                site.pod(f"p-{number}")
            for number in range(SLOTS):
                site.wait(f"p-{number}", "Exposed")
            found = {name: site.address(name) for name in (f"p-{number}" for number in range(SLOTS))}
            uids = {site.get(name)["metadata"]["uid"]: address for name, address in found.items()}
            until(lambda: len(site.claims()) == SLOTS)
            assert {f"{IP}:{port}": task for port, task in site.claims().items()} == {
                address: uid for uid, address in uids.items()
            }
            for name in found:
                site.kube.delete(POD, name, TASKS)
            until(lambda: site.claims() == {})
        finally:
            two.stop()


def test_the_command_ends_within_a_second_and_frees_the_lease(site: OperatorSite) -> None:
    file = str(site.account.cluster.kubeconfig)
    words = [sys.executable, "-m", "task_gateway.cli.main", "operator", "--gateway", f"{HOME}/gw", "--port", "0"]
    with subprocess.Popen([*words, "--kubeconfig", file], stdout=subprocess.PIPE, text=True) as command:
        assert command.stdout is not None
        try:
            while '"ready"' not in (line := command.stdout.readline()):
                assert line
            site.pod("a")
            site.wait("a", "Exposed")
            began = time.monotonic()
            command.send_signal(signal.SIGTERM)
            assert command.wait(10) == 0
            assert time.monotonic() - began < 3  # 0.3 s on an idle machine
            assert site.kube.get(LEASE, "gw-operator", HOME)["spec"]["holderIdentity"] == ""
        finally:
            command.kill()
