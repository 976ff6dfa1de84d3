"""Measures several releases in one cluster: thousands of slots, on a Gateway for each release.

One Gateway cannot have any number of listeners. Each task must be answered by its own pod, however many there are.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

from task_gateway.controllers.base import CONTROLLERS
from task_gateway.model import Address, Say, Task
from task_gateway.spread import spread
from task_gateway_lab.bench import fake_pods, machine
from task_gateway_lab.bench.bench_cluster import (
    NAMESPACE,
    PLACEHOLDER,
    RELEASE,
    BenchCluster,
    Charts,
    Place,
    bring_up,
    exposing,
)
from task_gateway_lab.bench.closed_ports import PortPool
from task_gateway_lab.bench.combos import ALONE, FIRST_PORT, Combo
from task_gateway_lab.bench.expose import (
    SAMPLED,
    THREADS,
    WARM_UP,
    Sample,
    expose_all,
    one_sample,
    pause_after,
    wait_until_all_answer,
)
from task_gateway_lab.bench.fake_pods import FakePods
from task_gateway_lab.bench.ways import Exposer
from task_gateway_lab.model_bench import ScaleRecord, ScaleReport


@dataclass(frozen=True)
class Amount:
    """How much is measured: releases, with that many slots and tasks in each, and samples after each release."""

    releases: int = 4
    slots: int = 1000
    tasks: int = 975
    samples: int = 20
    pause: float = ALONE


@dataclass(frozen=True)
class Installed:
    """One release: its clients and ports, its tasks, tasks that take turns as samples, and the exposed tasks."""

    clients: Exposer
    ports: PortPool
    tasks: list[Task]
    samplers: list[Task]
    exposed: dict[Task, Address]


def measure(combos: Sequence[Combo], charts: Charts, amount: Amount, *, say: Say) -> Iterator[ScaleReport]:
    """Install releases one after the other, fill each with tasks, and yield the report after each."""
    versions: dict[str, str] = {}
    records = list[ScaleRecord]()
    for combo in combos:
        with bring_up(CONTROLLERS.get(combo.controller), charts, say=say) as bench, ExitStack() as stack:
            releases = list[Installed]()
            for number in range(amount.releases):
                started, place = time.monotonic(), place_of(combo, number)
                say(f"release {number + 1} of {amount.releases}")
                releases.append(stack.enter_context(installed(bench, combo, place, number, amount, say=say)))
                machine.note(versions, machine.versions(bench.kube, place.namespace))
                built = time.monotonic()
                fill(releases[-1], say=say)
                filled = time.monotonic()
                say(f"{amount.samples} samples, in turns in {len(releases)} releases")
                samples = take_samples(releases, amount)
                wait_until_all_answer({task: address for each in releases for task, address in each.exposed.items()})
                records.append(record(combo, releases, samples, (built - started, filled - built)))
                yield ScaleReport(versions, machine.machine(), tuple(records))


def place_of(combo: Combo, number: int) -> Place:
    """Return the place of a release. Each has its own ports, and its own controller if that serves one Gateway."""
    suffix = f"-{number + 1}" if number else ""
    return Place(
        RELEASE + suffix,
        NAMESPACE + suffix,
        FIRST_PORT + number * combo.slots,
        PLACEHOLDER + number,
        brings_controller=number == 0 or CONTROLLERS.get(combo.controller).one_gateway,
    )


@contextmanager
def installed(
    bench: BenchCluster, combo: Combo, place: Place, number: int, amount: Amount, *, say: Say
) -> Iterator[Installed]:
    """Install one release with its pods, and yield it when all of its ports are closed."""
    pods = bench.tasks if place.namespace == NAMESPACE else FakePods(bench.kube, place.namespace, leave=True)
    with exposing(replace(bench, tasks=pods), combo, say=say, place=place) as clients:
        first = 1 + number * (amount.tasks + SAMPLED)
        numbers = range(first, first + amount.tasks + SAMPLED)
        say(f"making {len(numbers)} pods")
        pods.add(numbers)
        ports = PortPool(clients.gateway)
        ports.see_all_closed(built=True, say=say)
        tasks = [fake_pods.task(each, place.namespace) for each in numbers]
        yield Installed(clients, ports, tasks[: amount.tasks], tasks[amount.tasks :], {})


def fill(release: Installed, *, say: Say) -> None:
    """Expose the tasks of a release, and return when each answers."""
    say(f"waiting until {len(release.tasks)} more tasks are in place and answer")
    release.exposed.update(expose_all(release.clients, release.ports, release.tasks, THREADS))
    wait_until_all_answer(release.exposed)


def take_samples(releases: Sequence[Installed], amount: Amount) -> list[Sample]:
    """Return samples of one more task, in turns in all releases; the first ones are not counted."""
    found = list[Sample]()
    for number in range(WARM_UP + amount.samples):
        pause_after(found, amount.pause)
        each = releases[number % len(releases)]
        found.append(one_sample(each.clients, each.ports, each.samplers[number % SAMPLED], None))
    return found[WARM_UP:]


def record(
    combo: Combo, releases: Sequence[Installed], samples: Sequence[Sample], seconds: tuple[float, float]
) -> ScaleRecord:
    """Return the record of a number of releases; `seconds` are those of the last one: to install and to fill it."""
    return ScaleRecord(
        controller=combo.controller,
        strategy=combo.strategy,
        releases=len(releases),
        slots=len(releases) * combo.slots,
        active=sum(len(each.exposed) for each in releases),
        samples=len(samples),
        ready_seconds=spread([each.ready for each in samples]),
        refused_seconds=spread([each.refused for each in samples]),
        install_seconds=round(seconds[0], 1),
        fill_seconds=round(seconds[1], 1),
    )
