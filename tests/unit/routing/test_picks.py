"""Reserving ports for threads: no two threads have the same port."""

from dataclasses import dataclass

from task_gateway.routing.picks import Picks


@dataclass(frozen=True)
class FakePort:
    port: int


def test_who_holds_a_port_is_not_disturbed() -> None:
    picks, ports = Picks(), [FakePort(1), FakePort(2)]
    with picks.lend(lambda: ports) as first, picks.lend(lambda: ports) as second:
        assert (first, second) == (FakePort(1), FakePort(2))
        with picks.lend(lambda: ports) as third:
            assert third is None
    with picks.lend(lambda: ports) as again:
        assert again == FakePort(1)
