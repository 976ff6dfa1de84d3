"""The library fails: it is killed in the middle of a call, on a gateway with tasks of others."""

import pytest
from tests.apiserver.victim import killed_at_every_step
from tests.faults.lab import PORTS, FaultLab
from tests.faults.serving import greeting
from tests.faults.watching import watching

EACH = pytest.mark.parametrize("strategy", ["slots", "listeners"])


@EACH
def test_killed_at_every_step_of_an_expose(lab: FaultLab, strategy: str) -> None:
    """The master is killed (SIGKILL) at every step of an expose: repeating the call makes the task reachable."""
    lab.start("victim")
    kills = 0
    with watching(lab.greetings) as seen:
        steps = killed_at_every_step(lab.cluster, lab.range_of(strategy), strategy, "expose", lab.task("victim"))
        for _ in steps:
            kills += 1
            (address,) = lab.expose("victim", strategy=strategy)
            lab.everything_holds()
            assert lab.greetings[address] == greeting("victim", PORTS[0])
            lab.release("victim", strategy=strategy)
        assert kills > 1
        lab.release("victim", strategy=strategy)
    assert (seen.failed, seen.strangers) == ([], [])


@EACH
def test_killed_at_every_step_of_a_release(lab: FaultLab, strategy: str) -> None:
    """The master is killed (SIGKILL) at every step of a release: a reconcile, or repeating the call, frees the port."""
    lab.start("victim")
    lab.expose("victim", strategy=strategy)
    kills = 0
    with watching({address: said for address, said in lab.greetings.items() if "victim" not in said}) as seen:
        steps = killed_at_every_step(lab.cluster, lab.range_of(strategy), strategy, "release", lab.task("victim"))
        for kills, _ in enumerate(steps, 1):
            if kills % 2:
                lab.tasks(strategy).reconcile(dry_run=False, grace_seconds=0)
            lab.release("victim", strategy=strategy)
            lab.everything_holds()
            lab.expose("victim", strategy=strategy)
        assert kills > 1
        lab.release("victim", strategy=strategy)
    assert (seen.failed, seen.strangers) == ([], [])
    lab.everything_holds()
