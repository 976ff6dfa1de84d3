"""Concurrent masters: no interleaving of their calls, and no long random walk, assigns a port twice."""

import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as draw
from tests.apiserver.strategies import NAMESPACE, SLOTS, Failing, StrategySite
from tests.apiserver.test_task_gateway import fresh, pod
from tests.apiserver.turns import Turns

from task_gateway.errors import ClusterUnreachable, NoFreeSlot, UsageError
from task_gateway.kube.client import Kube
from task_gateway.model import Address, Task
from task_gateway.routing.gateway import TaskGateway

__all__ = ["fresh"]
MASTERS, ROUNDS = 2, 2
OTHERS = "others"
# As long as the calls of both masters; with a shorter list the first one would end before the other starts.
ORDER_LENGTH = 80
ORDERS = draw.lists(draw.integers(0, MASTERS - 1), min_size=ORDER_LENGTH, max_size=ORDER_LENGTH)
WORKERS, TASKS_EACH, PHASES, WRITES_OF_A_LIFE = 4, 8, 10, 40


class Book:
    """The owner of each port, as known to the masters: a port that is assigned again while it is here has two tasks."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.holders: dict[int, str] = {}
        self.twice: list[str] = []
        self.told: Counter[str] = Counter()

    def given(self, ports: list[int], task: str) -> None:
        with self._lock:
            self.told["claimed"] += len(ports)
            for port in ports:
                if port in self.holders:
                    self.twice.append(f"port {port} was given to {task} while {self.holders[port]} had it")
                self.holders[port] = task

    def back(self, task: str) -> None:
        """Note that a task gives up its ports, before the call that frees them."""
        with self._lock:
            self.holders = {port: holder for port, holder in self.holders.items() if holder != task}

    def saw(self, what: str) -> None:
        with self._lock:
            self.told[what] += 1


@pytest.mark.parametrize(
    ("strategy", "namespaces", "examples"),
    [
        ("slots", (NAMESPACE, NAMESPACE), 250),
        ("listeners", (NAMESPACE, NAMESPACE), 50),
        ("listeners", (NAMESPACE, OTHERS), 50),
    ],
)
def test_two_masters_race_for_the_last_port(
    kube: Kube, share: int, strategy: str, namespaces: tuple[str, str], examples: int
) -> None:
    """Two masters race for the last port in 1,400 claims, with API calls interleaved at random: only one gets it."""
    gateway = StrategySite(kube, SLOTS[0], 1).gateway
    total: Counter[str] = Counter()
    examples //= share

    @settings(max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(order=ORDERS)
    def race(order: list[int]) -> None:
        book = Book()

        def master(number: int, api: Any) -> None:
            tasks = TaskGateway(api, gateway, namespaces[number], strategy)
            for _ in range(ROUNDS):
                name = f"of-{number}"
                try:
                    addresses = tasks.expose(Task(name, namespaces[number], (8888,)))
                except NoFreeSlot:
                    book.saw("refused")
                    continue
                book.given([each.port for each in addresses], name)
                assert [each.task_id for each in tasks.exposed() if each.port == addresses[0].port] == [name]
                book.back(name)
                tasks.release(name)

        Turns(kube, [lambda api: master(0, api), lambda api: master(1, api)]).play(order)
        assert book.twice == []
        for namespace in set(namespaces):
            assert TaskGateway(kube, gateway, namespace, strategy).exposed() == []
        if namespaces[0] == namespaces[1]:  # with two namespaces each may back off for the other
            assert book.told["claimed"] >= 1
        total.update(book.told)

    race()
    assert total["claimed"] >= examples
    assert total["refused"] >= 1  # else there was no conflict
    print(f"{strategy}: {dict(total)}")


class Walker:
    """A master on a random walk: it claims and releases for its own tasks, crashes before a write, and restarts."""

    def __init__(self, site: StrategySite, strategy: str, book: Book, number: int) -> None:
        self._site, self._strategy, self._book = site, strategy, book
        self._random = random.Random(number)
        self._tasks = {
            name: site.task(name, *((8888, 6006) if index % 2 else (8888,)))
            for index, name in enumerate(names_of(number))
        }
        self._held: set[str] = set()

    def walk(self, steps: int) -> None:
        """Restart as often as necessary; one of three instances keeps the state by watches."""
        left = steps
        while left:
            mortal: Any = Failing(self._site.kube, self._random.randrange(WRITES_OF_A_LIFE))
            library = TaskGateway(mortal, self._site.gateway, self._site.namespace, self._strategy)
            with ExitStack() as stack:
                if self._random.random() < 1 / 3:
                    stack.enter_context(library)
                alive = True
                while alive and left:
                    alive = self._step(library, self._random.choice(list(self._tasks)))
                    left -= 1

    def forget(self, live: set[str]) -> None:
        """Drop ended tasks, because a reconcile has freed their ports."""
        self._held &= live

    def _step(self, tasks: TaskGateway, name: str) -> bool:
        """Claim a port for a task without one, or release the task; False if the master crashes."""
        try:
            if name in self._held:
                self._held.discard(name)
                self._book.back(name)
                tasks.release(name)
                self._book.saw("released")
            else:
                addresses = self._expose(tasks, name)
                self._book.given([each.port for each in addresses], name)
                self._held.add(name)
        except ClusterUnreachable:
            self._book.saw("died")
            return False
        except NoFreeSlot:
            self._book.saw("refused")
        return True

    def _expose(self, tasks: TaskGateway, name: str) -> tuple[Address, ...]:
        """Expose a task; first finish a release that a crashed master began."""
        try:
            return tasks.expose(self._tasks[name])
        except UsageError:
            tasks.release(name)
            return tasks.expose(self._tasks[name])


def names_of(number: int) -> list[str]:
    return [f"walker-{number}-{index}" for index in range(TASKS_EACH)]


@pytest.mark.parametrize(("strategy", "steps"), [("slots", 10_000), ("listeners", 400)])
def test_a_random_walk_of_claims_releases_and_crashes(
    fresh: StrategySite, share: int, strategy: str, steps: int
) -> None:
    """Four masters claim, release and crash at random for 10,400 steps: no port is assigned twice, none stays lost."""
    fresh.first, fresh.count = SLOTS[0], 40
    book = Book()
    walkers = [Walker(fresh, strategy, book, number) for number in range(WORKERS)]
    live = {name for number in range(WORKERS) for name in names_of(number)[: TASKS_EACH // 2]}
    for name in live:
        fresh.kube.create(pod(name))
    tasks = TaskGateway(fresh.kube, fresh.gateway, NAMESPACE, strategy)
    for _ in range(PHASES):
        with ThreadPoolExecutor(WORKERS) as pool:
            list(pool.map(lambda walker: walker.walk(steps // share // PHASES // WORKERS), walkers))
        assert book.twice == []
        tasks.reconcile(dry_run=False, grace_seconds=0)
        assert tasks.reconcile(grace_seconds=0) == []
        found = {each.port: each.task_id for each in tasks.exposed()}
        assert set(found.values()) <= live
        kept = {port: holder for port, holder in book.holders.items() if holder in live}
        assert kept.items() <= found.items()
        for name in {holder for holder in book.holders.values() if holder not in live}:
            book.back(name)
        for walker in walkers:
            walker.forget(live)
    print(f"{strategy}: {dict(book.told)}")
