"""The harness itself is what fails: killed in the middle of a call, on a gateway with tasks that others use."""

import pytest
from tests.apiserver.victim import killed_at_every_step
from tests.faults.serving import greeting
from tests.faults.stand import PORTS, Stand
from tests.faults.watching import watching

EACH = pytest.mark.parametrize("strategy", ["slots", "listeners"])


@EACH
def test_killed_at_every_step_of_an_expose(stand: Stand, strategy: str) -> None:
    """The master is killed (SIGKILL) at every step of an expose: repeating the call makes the task reachable."""
    stand.start("victim")
    kills = 0
    with watching(stand.greetings) as seen:
        steps = killed_at_every_step(stand.cluster, stand.range_of(strategy), strategy, "expose", stand.task("victim"))
        for _ in steps:
            kills += 1
            (address,) = stand.expose("victim", strategy=strategy)
            stand.everything_holds()
            assert stand.greetings[address] == greeting("victim", PORTS[0])
            stand.release("victim", strategy=strategy)
        assert kills > 1
        stand.release("victim", strategy=strategy)
    assert (seen.failed, seen.strangers) == ([], [])


@EACH
def test_killed_at_every_step_of_a_release(stand: Stand, strategy: str) -> None:
    """The master is killed (SIGKILL) at every step of a release: a reconcile, or repeating the call, frees the port."""
    stand.start("victim")
    stand.expose("victim", strategy=strategy)
    kills = 0
    with watching({address: said for address, said in stand.greetings.items() if "victim" not in said}) as seen:
        steps = killed_at_every_step(stand.cluster, stand.range_of(strategy), strategy, "release", stand.task("victim"))
        for kills, _ in enumerate(steps, 1):
            if kills % 2:
                stand.tasks(strategy).reconcile(dry_run=False, grace_seconds=0)
            stand.release("victim", strategy=strategy)
            stand.everything_holds()
            stand.expose("victim", strategy=strategy)
        assert kills > 1
        stand.release("victim", strategy=strategy)
    assert (seen.failed, seen.strangers) == ([], [])
    stand.everything_holds()
