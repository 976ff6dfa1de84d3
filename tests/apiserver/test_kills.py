"""The library is killed (SIGKILL) at every step of a call: the next call, or a reconcile, repairs the cluster."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from tests.apiserver.strategies import NAMESPACE, SLOTS, StrategySite
from tests.apiserver.test_task_gateway import foreign, fresh, pod
from tests.apiserver.victim import killed_at_every_step

from task_gateway.model import Task
from task_gateway.routing.gateway import TaskGateway

__all__ = ["fresh"]
PORTS = (8888, 6006)
EACH = pytest.mark.parametrize("strategy", ["slots", "listeners"])


@dataclass
class Crime:
    """A task with two ports, another task that must not change, and a foreign listener."""

    site: StrategySite
    strategy: str

    def __post_init__(self) -> None:
        foreign(self.site, SLOTS[-1])
        for name in ("alive", "beside"):
            self.site.kube.create(pod(name))
        self.beside = self.tasks.expose(self.site.task("beside"))[0].port

    @property
    def tasks(self) -> TaskGateway:
        """The library in a new process: it only knows what is in the cluster."""
        return TaskGateway(self.site.kube, self.site.gateway, NAMESPACE, self.strategy)

    def kills(self, verb: str, task: str, mend: Callable[[], None]) -> int:
        """Kill a master at every step of a call, repair the state each time, and return the number of kills."""
        before, wanted, count = len(self.site.left()), self.site.task(task, *PORTS), 0
        if verb == "release":
            self.tasks.expose(wanted)
        for _ in killed_at_every_step(self.site.kube.cluster, self.site.gateway, self.strategy, verb, wanted):
            count += 1
            mend()
            self.everything_holds()
            self.tasks.release(task)
            assert len(self.site.left()) == before
            if verb == "release":
                self.tasks.expose(wanted)
        self.tasks.release(task)
        self.everything_holds()
        return count

    def everything_holds(self) -> None:
        """Nothing is left to repair, and the other task and the foreign listener still have their ports."""
        assert self.tasks.reconcile(grace_seconds=0) == []
        assert [each.port for each in self.tasks.exposed() if each.task_id == "beside"] == [self.beside]
        assert SLOTS[-1] in self.site.listeners()

    def ports_of(self, task: str) -> list[int]:
        return sorted(int(each.target_port) for each in self.tasks.exposed() if each.task_id == task)


@EACH
def test_killed_in_an_expose_and_called_again(fresh: StrategySite, strategy: str) -> None:
    """The master is killed (SIGKILL) before each write of an expose: repeating the call completes it."""
    crime = Crime(fresh, strategy)
    wanted: Task = fresh.task("alive", *PORTS)

    def again() -> None:
        addresses = crime.tasks.expose(wanted)
        found = {each.target_port: each.address for each in crime.tasks.exposed() if each.task_id == "alive"}
        assert found == dict(zip(PORTS, addresses, strict=True))

    assert crime.kills("expose", "alive", again) > len(PORTS)


@EACH
def test_killed_in_an_expose_of_a_task_that_lives(fresh: StrategySite, strategy: str) -> None:
    """The master is killed before each write of an expose: a reconcile leaves all ports of the live task, or none."""
    crime = Crime(fresh, strategy)

    def reconcile() -> None:
        crime.tasks.reconcile(dry_run=False, grace_seconds=0)
        assert set(crime.ports_of("alive")) <= set(PORTS)

    assert crime.kills("expose", "alive", reconcile) > len(PORTS)


@EACH
def test_killed_in_an_expose_of_a_task_that_ends(fresh: StrategySite, strategy: str) -> None:
    """The master is killed before each write of an expose, and the task ends: a reconcile frees all of its ports."""
    crime = Crime(fresh, strategy)

    def reconcile() -> None:
        crime.tasks.reconcile(dry_run=False, grace_seconds=0)
        assert crime.ports_of("gone") == []

    assert crime.kills("expose", "gone", reconcile) > len(PORTS)


@EACH
def test_killed_in_a_release_and_called_again(fresh: StrategySite, strategy: str) -> None:
    """The master is killed before each write of a release: repeating the call frees the other ports."""
    crime = Crime(fresh, strategy)

    def again() -> None:
        crime.tasks.release("alive")
        assert crime.ports_of("alive") == []

    assert crime.kills("release", "alive", again) > len(PORTS)


@EACH
def test_killed_in_a_release_of_a_task_that_ends(fresh: StrategySite, strategy: str) -> None:
    """The master is killed before each write of a release, and the task ends: a reconcile frees the other ports."""
    crime = Crime(fresh, strategy)

    def reconcile() -> None:
        crime.tasks.reconcile(dry_run=False, grace_seconds=0)
        assert crime.ports_of("gone") == []

    assert crime.kills("release", "gone", reconcile) > len(PORTS)
