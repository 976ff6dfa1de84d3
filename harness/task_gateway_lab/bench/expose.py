"""Measures the cost of one more task while others are exposed, in requests and seconds, by controller and size."""

import math
import random
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, replace

from task_gateway.controllers.base import CONTROLLERS
from task_gateway.errors import ApiError, WaitTimeout
from task_gateway.model import Address, Say, Task
from task_gateway.probe import port_probe
from task_gateway.settings import Wait
from task_gateway.spread import spread
from task_gateway_lab.bench import fake_pods, machine, meters
from task_gateway_lab.bench.bench_cluster import NAMESPACE, BenchCluster, Charts, bring_up, exposing
from task_gateway_lab.bench.closed_ports import PortPool
from task_gateway_lab.bench.combos import Combo
from task_gateway_lab.bench.meters import Count
from task_gateway_lab.bench.ways import Exposer
from task_gateway_lab.model_bench import ExposeRecord, ExposeReport

THREADS = 8
SAMPLED = 8  # tasks that take turns, so an answer of the previous task is recognised
WARM_UP = 3  # first samples of a size, which are not counted
JITTER = (0.6, 1.4)
"""Factors of the shortest and the longest pause. Random pauses avoid synchrony with periodic work of a controller.

The duration of the release is added, because the controller may still be busy with it.
"""
TOO_LONG_SECONDS = 10.0
IN_PLACE = Wait("tasks-in-place", "every exposed task answers with its own name", 900)


@dataclass(frozen=True)
class Sample:
    """The seconds of one task that was exposed and released."""

    api: float
    ready: float
    refused: float


@dataclass(frozen=True)
class SizeSamples:
    """The measurements with one number of exposed tasks.

    `cpu` is that of the API server, `memory` the MiB of controller and Envoy. `counts` has the requests of each expose.
    """

    pause: float
    samples: list[Sample]
    counts: list[Count]
    cpu: float
    memory: list[int]
    stopped: str = ""

    def __add__(self, other: "SizeSamples") -> "SizeSamples":
        """Combine both measurements; the memory is that of the first, before there were more tasks."""
        samples, counts = self.samples + other.samples, self.counts + other.counts
        return SizeSamples(
            self.pause, samples, counts, self.cpu + other.cpu, self.memory, self.stopped or other.stopped
        )


def measure(combos: Sequence[Combo], charts: Charts, *, say: Say) -> Iterator[ExposeReport]:
    """Measure each combination, with one cluster per controller, and yield the report so far after each.

    ScenarioFailed if a port reaches another task.
    """
    versions: dict[str, str] = {}
    records: list[ExposeRecord] = []
    for name in dict.fromkeys(each.controller for each in combos):
        with bring_up(CONTROLLERS.get(name), charts, say=say) as bench:
            before: Combo | None = None
            for combo in (each for each in combos if each.controller == name):
                with exposing(bench, combo, say=say, before=before) as tasks:
                    machine.note(versions, machine.versions(bench.kube, NAMESPACE))
                    ladder = Ladder(bench, combo, tasks, say)
                    found = ladder.climb()
                    ladder.leave()
                before = combo
                records += sorted(found, key=lambda each: -each.pause_seconds)
                yield ExposeReport(versions, machine.machine(), tuple(records))


class Ladder:
    """The sizes of one combination, in ascending order; exposed tasks are kept for the next size."""

    def __init__(self, bench: BenchCluster, combo: Combo, tasks: Exposer, say: Say) -> None:
        self._bench = bench
        self._combo = combo
        self._tasks = tasks
        self._say = say
        self._ports = PortPool(tasks.gateway)
        self._idle = math.inf  # CPU per second, the minimum: the cluster may still process earlier work
        self._in_place: dict[Task, Address] = {}

    def climb(self) -> list[ExposeRecord]:
        """Measure each size and return the records; larger ones are skipped when one expose takes too long."""
        self._ports.see_all_closed(built=self._combo.claimed > 0, say=self._say)
        self._idle = min(self._idle, meters.idle_rate(self._bench.kube))
        top = max(self._combo.sizes)
        samplers = range(top + 1, top + 1 + SAMPLED)
        self._say(f"making {top + SAMPLED} pods")
        self._bench.tasks.add([*range(1, top + 1), *samplers])
        tasks = [fake_pods.task(number, NAMESPACE) for number in samplers]
        first, *others = self._combo.sizes
        if not self._combo.way.claims or not others:
            return self._as_far_as_it_goes(self._combo.sizes, tasks)
        # Half of the first size is measured after the others: a machine that slows down must not look like growth.
        half = self._combo.samples // 2
        self._grow(first)
        before = self._visits(first, tasks, half)
        records = self._as_far_as_it_goes(others, tasks)
        self._shrink(first)
        after = self._visits(first, tasks, self._combo.samples - half)
        return [*(self._record(first, one + other) for one, other in zip(before, after, strict=True)), *records]

    def leave(self) -> None:
        """Release all tasks that claim slots, because the next combination may use the same slots."""
        if self._combo.claimed:
            self._shrink(0)

    def _as_far_as_it_goes(self, sizes: Sequence[int], tasks: Sequence[Task]) -> list[ExposeRecord]:
        """Measure sizes in ascending order, until one is too large for a strategy without slots."""
        records: list[ExposeRecord] = []
        for size in sizes:
            try:
                self._grow(size)
                found = [self._record(size, visit) for visit in self._visits(size, tasks, self._combo.samples)]
            except (ApiError, WaitTimeout) as end:
                if self._combo.claimed or not records:
                    raise
                # Other strategies are measured up to the largest size that works.
                records[-1] = replace(records[-1], stopped=f"with {size:,}: {end.message}")
                self._say(_line(records[-1]))
                break
            records += found
            if found[-1].stopped:
                break
        return records

    def _grow(self, size: int) -> None:
        tasks = [fake_pods.task(number, NAMESPACE) for number in range(1, size + 1)]
        self._say(f"{_name(self._combo)}: waiting until {size} tasks are in place and answer")
        at_once = 1 if self._combo.way.traits.on_gateway else THREADS  # all write the same Gateway
        missing = [task for task in tasks if task not in self._in_place]
        self._in_place.update(expose_all(self._tasks, self._ports, missing, at_once))
        wait_until_all_answer(self._in_place)

    def _shrink(self, size: int) -> None:
        """Release all tasks except the first `size`, and wait until their ports are closed."""
        leaving = list(self._in_place)[size:]
        self._say(f"{_name(self._combo)}: waiting until {len(leaving)} tasks are released")
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(self._leave, leaving))
        self._tasks.settle()

    def _leave(self, task: Task) -> None:
        address = self._in_place.pop(task)
        self._tasks.release(task)
        port_probe.wait_closed(address)
        self._ports.free(address)

    def _record(self, size: int, visit: SizeSamples) -> ExposeRecord:
        found = record(self._combo, size, visit)
        self._say(_line(found))
        return found

    def _visits(self, size: int, tasks: Sequence[Task], count: int) -> list[SizeSamples]:
        return [self._visit(size, tasks, count, pause) for pause in self._combo.pauses]

    def _visit(self, size: int, tasks: Sequence[Task], count: int, pause: float) -> SizeSamples:
        kube, combo = self._bench.kube, self._combo
        self._say(f"{_name(combo)}: {count} samples with {size} tasks in place, {pause:g} s between two")
        self._idle = min(self._idle, meters.idle_rate(kube))
        counts, apart = list[Count](), self._tasks.counted_apart
        for number in range(WARM_UP):
            one_sample(self._tasks, self._ports, tasks[number % len(tasks)], counts if apart else None)
        before, started, samples, stopped = kube.cpu_seconds(), time.monotonic(), list[Sample](), ""
        while len(samples) < count:
            pause_after(samples, pause)
            task = tasks[len(samples) % len(tasks)]
            samples.append(one_sample(self._tasks, self._ports, task, None if apart else counts))
            if samples[-1].ready > TOO_LONG_SECONDS:
                stopped = f"one expose took {samples[-1].ready:.1f} s"
                break
        cpu = kube.cpu_seconds() - before - self._idle * (time.monotonic() - started)
        memory = [kube.memory_mib(self._bench.node, NAMESPACE, each) for each in (combo.controller, "envoy")]
        return SizeSamples(pause, samples, counts, cpu, memory, stopped)


def pause_after(samples: Sequence[Sample], pause: float) -> None:
    """Pause before the next sample: `pause` seconds on average, and as long as the last release took."""
    time.sleep(random.uniform(*JITTER) * pause + (samples[-1].refused if samples else 0.0))


def one_sample(clients: Exposer, ports: PortPool, task: Task, counts: list[Count] | None) -> Sample:
    """Expose a task and release it; `counts` gets the requests of the expose.

    The port must have been seen closed since its last task.
    """
    with clients.counted() if counts is not None else nullcontext(Count()) as asked:
        started = time.perf_counter()
        address = clients.expose(task)
        api = time.perf_counter() - started
    if counts is not None:
        counts.append(asked)
    ready = port_probe.wait_first_byte(address, task.id) - started
    ports.take(address)
    released = time.perf_counter()
    clients.release(task)
    refused = port_probe.wait_closed(address) - released
    ports.free(address)
    clients.settle()
    return Sample(api, ready, refused)


def expose_all(clients: Exposer, ports: PortPool, tasks: Sequence[Task], at_once: int) -> dict[Task, Address]:
    """Expose tasks, `at_once` at a time, and return the address of each; it may not answer yet."""
    with ThreadPoolExecutor(at_once) as pool:
        found = dict(zip(tasks, pool.map(clients.expose, tasks), strict=True))
    for address in found.values():
        ports.take(address)
    return found


def wait_until_all_answer(tasks: Mapping[Task, Address]) -> None:
    """Return when each task answers with its own name; ScenarioFailed if a port reaches another task."""

    def answers(task: Task) -> None:
        port_probe.wait_first_byte(tasks[task], task.id, IN_PLACE)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(answers, tasks))


def record(combo: Combo, size: int, visit: SizeSamples) -> ExposeRecord:
    """Return the record of one size."""
    samples = visit.samples
    return ExposeRecord(
        controller=combo.controller,
        strategy=combo.strategy,
        active=size,
        samples=len(samples),
        pause_seconds=visit.pause,
        slots=combo.claimed,
        api_writes=round(statistics.fmean(each.writes for each in visit.counts), 2),
        kube_requests=round(statistics.fmean(each.requests for each in visit.counts), 2),
        api_seconds=spread([each.api for each in samples]),
        ready_seconds=spread([each.ready for each in samples]),
        refused_seconds=spread([each.refused for each in samples]),
        apiserver_cpu_seconds=round(max(visit.cpu, 0.0) / len(samples), 4),
        controller_memory_mib=visit.memory[0],
        envoy_memory_mib=visit.memory[1],
        stopped=visit.stopped,
    )


def _line(found: ExposeRecord) -> str:
    return (
        f"{found.controller} with {found.strategy}, {found.active} in place, {found.pause_seconds:g} s between two: "
        f"{found.api_writes:g} writes, API {found.api_seconds.median * 1000:.0f} ms, first byte "
        f"{found.ready_seconds.median * 1000:.0f} ms (p99 {found.ready_seconds.p99 * 1000:.0f}), refused "
        f"{found.refused_seconds.median * 1000:.0f} ms{'; ' if found.stopped else ''}{found.stopped}"
    )


def _name(combo: Combo) -> str:
    return f"{combo.controller} with {combo.strategy}"
