"""Measures bursts: many tasks exposed at once, until the last one answers. Each must have its own port."""

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby, product

from task_gateway.controllers.base import CONTROLLERS
from task_gateway.errors import ScenarioFailed
from task_gateway.model import Address, Say
from task_gateway.probe import port_probe
from task_gateway.spread import spread
from task_gateway_lab.bench import endpoints_rate, fake_pods, machine
from task_gateway_lab.bench.bench_cluster import NAMESPACE, BenchCluster, Charts, bring_up, exposing
from task_gateway_lab.bench.closed_ports import PortPool
from task_gateway_lab.bench.combos import Combo
from task_gateway_lab.bench.ways import Exposer
from task_gateway_lab.model_bench import BurstRecord, BurstReport

TASKS, ROUNDS = 100, 10
REFILL_SECONDS = 3.0
"""The pause between two rounds, in which the rate limit of the cluster's own controllers recovers."""
WARM_UP = 1
"""Rounds that are not counted, because a new leader of the controller manager first processes all objects."""


def measure(combos: Sequence[Combo], tasks: int, rounds: int, charts: Charts, *, say: Say) -> Iterator[BurstReport]:
    """Measure bursts with the default and the raised rate limit of endpoint writes; yield the report after each.

    There is one cluster for each controller and number of slots. All ways take turns in it, with each limit.
    """
    versions: dict[str, str] = {}
    records = list[BurstRecord]()
    for (name, _), group in groupby(combos, key=lambda each: (each.controller, each.slots)):
        with bring_up(CONTROLLERS.get(name), charts, say=say) as bench:
            before: Combo | None = None
            limit = endpoints_rate.DEFAULT
            for rate, combo in product((limit, endpoints_rate.RAISED), group):
                if rate != limit:
                    endpoints_rate.tell(bench.cluster, rate, say=say)
                    limit = rate
                with exposing(bench, combo, say=say, before=before) as clients:
                    machine.note(versions, machine.versions(bench.kube, NAMESPACE))
                    found = several_rounds(bench, combo, clients, tasks, rounds, say=say)
                before = combo
                records.append(record(combo, tasks, rate, found))
                yield BurstReport(versions, machine.machine(), tuple(records))


def several_rounds(
    bench: BenchCluster, combo: Combo, clients: Exposer, tasks: int, rounds: int, *, say: Say
) -> list[tuple[int, float, float]]:
    """Return the rounds of one combination without the warm-up."""
    bench.tasks.add(range(1, tasks + 1))
    ports = PortPool(clients.gateway)
    ports.see_all_closed(built=combo.claimed > 0, say=say)
    say(f"{combo.controller} with {combo.slots} {combo.strategy}: {rounds} rounds of {tasks} tasks at once")
    return [one_round(clients, ports, tasks, say=say) for _ in range(WARM_UP + rounds)][WARM_UP:]


def record(combo: Combo, tasks: int, rate: tuple[int, int], rounds: Sequence[tuple[int, float, float]]) -> BurstRecord:
    """Return the record of rounds: each has the number of ports, the seconds of the API and to the last answer."""
    return BurstRecord(
        controller=combo.controller,
        strategy=combo.strategy,
        tasks=tasks,
        rounds=len(rounds),
        slots=combo.claimed,
        endpoints_qps=rate[0],
        endpoints_burst=rate[1],
        ports=min(ports for ports, _, _ in rounds),
        api_seconds=spread([api for _, api, _ in rounds]),
        ready_seconds=spread([ready for _, _, ready in rounds]),
        worst_seconds=round(max(ready for _, _, ready in rounds), 4),
    )


def one_round(clients: Exposer, ports: PortPool, tasks: int, *, say: Say) -> tuple[int, float, float]:
    """Expose tasks at once, then release them; return the ports, the seconds of the API and to the last answer."""
    numbers = range(1, tasks + 1)
    together = threading.Barrier(tasks + 1)

    def expose(number: int) -> tuple[str, Address, float]:
        task = fake_pods.task(number, NAMESPACE)
        together.wait()
        address = clients.expose(task)
        return task.id, address, time.perf_counter()

    with ThreadPoolExecutor(tasks) as pool:
        going = [pool.submit(expose, number) for number in numbers]
        together.wait()
        started = time.perf_counter()
        exposed = [each.result() for each in going]
    waiting = {address: task for task, address, _ in exposed}
    if len(waiting) < tasks:
        raise ScenarioFailed(f"{tasks} tasks exposed at once got {len(waiting)} ports")
    for address in waiting:
        ports.take(address)
    last = port_probe.wait_all_answer(waiting)
    say(f"all {tasks} answer after {last - started:.2f} s")
    for number in numbers:
        clients.release(fake_pods.task(number, NAMESPACE))
    for address in waiting:
        port_probe.wait_closed(address)
        ports.free(address)
    clients.settle()
    time.sleep(REFILL_SECONDS)
    return len(waiting), max(moment for _, _, moment in exposed) - started, last - started
