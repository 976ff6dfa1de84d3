"""Measures the overhead of Envoy: connections from one pod to another, directly and through the gateway."""

import json
import statistics
from collections.abc import Mapping, Sequence
from importlib import resources

from task_gateway import images
from task_gateway.controllers.base import CONTROLLERS
from task_gateway.errors import ScenarioFailed
from task_gateway.kube.client import Kube
from task_gateway.kube.kinds import POD
from task_gateway.kube.wait import condition, wait_for
from task_gateway.model import TASK_LABEL, Manifest, Say, Task
from task_gateway.routing.gateway import TaskGateway
from task_gateway.settings import POD_READY, TASK_EXPOSED, Wait
from task_gateway.spread import spread
from task_gateway_lab.bench import machine
from task_gateway_lab.bench.bench_cluster import NAMESPACE, Charts, bring_up, install
from task_gateway_lab.bench.combos import Combo
from task_gateway_lab.model_bench import DataplaneReport, PathRecord

SERVER, CLIENT, PORT = "bench-stream", "bench-client", 7778
ROUNDS, STREAM_SECONDS, SAMPLES = 5, 2.0, 200
MEASURED = Wait("paths-measured", "the client pod has measured both paths", 300)


def measure(combos: Sequence[Combo], charts: Charts, *, samples: int = SAMPLES, say: Say) -> DataplaneReport:
    """Measure both paths on each controller in five rounds; each has `samples` connections and round trips per path."""
    versions: dict[str, str] = {}
    records: list[PathRecord] = []
    for combo in combos:
        with (
            bring_up(CONTROLLERS.get(combo.controller), charts, say=say) as bench,
            TaskGateway(bench.kube, install(bench, combo, say=say), NAMESPACE, combo.strategy) as master,
        ):
            machine.note(versions, machine.versions(bench.kube, NAMESPACE))
            records += both_paths(bench.kube, master, combo.controller, samples, say=say)
    return DataplaneReport(versions, machine.machine(), tuple(records))


def both_paths(kube: Kube, master: TaskGateway, controller: str, samples: int, *, say: Say) -> list[PathRecord]:
    """Measure the paths to a new pod, by its address and the gateway's, from a second pod; both are removed again."""
    try:
        kube.create(_pod(SERVER, ["serve", str(PORT)]))
        there = wait_for(kube, POD_READY, POD, SERVER, NAMESPACE, condition("Ready"))
        (address,) = master.expose(Task(SERVER, NAMESPACE, (PORT,)), wait=TASK_EXPOSED)
        paths = {"pod": f"{there['status']['podIP']}:{PORT}", "gateway": str(address)}
        say(f"{controller}: waiting until {MEASURED.sentence}")
        found = _measured(kube, paths, samples)
    finally:
        master.release(SERVER)
        for pod in (SERVER, CLIENT):
            kube.delete(POD, pod, NAMESPACE)
    return [record(controller, path, found[path]) for path in paths]


def record(controller: str, path: str, found: Mapping[str, Sequence[float]]) -> PathRecord:
    """Return the record of a path from the client's output."""
    return PathRecord(
        controller=controller,
        path=path,
        samples=len(found["connect"]),
        connect_seconds=spread(found["connect"], digits=6),
        round_trip_seconds=spread(found["round_trip"], digits=6),
        mib_per_second=round(statistics.median(found["mib_per_second"])),
    )


def _measured(kube: Kube, paths: Mapping[str, str], samples: int) -> dict[str, dict[str, list[float]]]:
    targets = [f"{name}={address}" for name, address in paths.items()]
    kube.create(_pod(CLIENT, ["measure", str(ROUNDS), str(samples), str(STREAM_SECONDS), *targets]))

    def missing(pod: Manifest | None) -> str | None:
        phase = str(((pod or {}).get("status") or {}).get("phase"))
        if phase == "Failed":
            last = kube.logs(CLIENT, NAMESPACE, lines=1).strip()
            raise ScenarioFailed(f"the client could not measure: {last}", where=f"v1/Pod {NAMESPACE}/{CLIENT}")
        return None if phase == "Succeeded" else f"it is {phase}"

    wait_for(kube, MEASURED, POD, CLIENT, NAMESPACE, missing)
    found: dict[str, dict[str, list[float]]] = json.loads(kube.logs(CLIENT, NAMESPACE))
    return found


def _pod(name: str, arguments: Sequence[str]) -> Manifest:
    text = resources.files("task_gateway_lab.bench").joinpath("stream.py").read_text("utf-8")
    container: Manifest = {
        "name": "stream",
        "image": images.load().notebook,
        "command": ["python3", "-c", text, *arguments],
    }
    if name == SERVER:
        container["readinessProbe"] = {"tcpSocket": {"port": PORT}, "periodSeconds": 1}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": {TASK_LABEL: name}},
        "spec": {
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 0,
            "automountServiceAccountToken": False,
            "containers": [container],
        },
    }
