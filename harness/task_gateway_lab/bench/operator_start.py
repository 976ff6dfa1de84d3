"""Measures a process of the operator with many exposed pods: seconds until it is ready, CPU, memory, idle requests.

The API server is real. No controller, no kubelet and no Envoy runs: the pods are objects with addresses.
"""

import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from task_gateway.deferred import yaml
from task_gateway.kube import helm
from task_gateway.kube.client import kind_of
from task_gateway.model import Manifest, Say
from task_gateway.probe.versions import crd_versions
from task_gateway.routing import names
from task_gateway.routing.gateway_api import GATEWAY
from task_gateway.spread import spread
from task_gateway_lab.bench import fake_pods, machine
from task_gateway_lab.bench.bench_cluster import NAMESPACE, RELEASE, Charts
from task_gateway_lab.bench.combos import FIRST_PORT
from task_gateway_lab.bench.meters import Count, MeteredKube
from task_gateway_lab.bench.operator_process import OperatorProcess, running
from task_gateway_lab.clusters import base, operator_image
from task_gateway_lab.model_bench import OperatorRecord, OperatorReport

SLOTS, PODS, ROUNDS = 4000, (0, 1000, 4000), 5
IDLE_SECONDS, SETTLE_SECONDS = 30.0, 3.0
VARIABLES = [{"name": f"VARIABLE_{number}", "value": "x" * 100} for number in range(40)]
"""They bring a pod to the size of a notebook's, about 7 KB."""
THREADS = 8
ADDRESS = "192.0.2.1"
"""The address of the gateway, reserved for documentation. Nothing connects to it."""
MANY = ("Service", "TCPRoute", "ListenerSet")
"""Kinds of which the chart has many objects, applied after the others."""


@dataclass(frozen=True)
class Amount:
    """How much is measured: the starts with each number of exposed pods, and the slots of the gateway."""

    pods: Sequence[int] = PODS
    rounds: int = ROUNDS
    slots: int = SLOTS
    idle_seconds: float = IDLE_SECONDS


@dataclass(frozen=True)
class OperatorStart:
    """One start: seconds until it was ready, CPU seconds until then, and the largest memory in MiB."""

    ready: float
    cpu: float
    memory: float


def measure(charts: Charts, amount: Amount, *, say: Say) -> Iterator[OperatorReport]:
    """Start the operator several times with each number of exposed pods, and yield the report after each number."""
    with base.temporary_cluster(
        "control-plane", base.ClusterRequest(f"bench-{os.getpid()}-operator"), say=say
    ) as cluster:
        kube = MeteredKube(cluster)
        say(f"installing the CRDs, and the objects of the chart with {amount.slots:,} slots")
        helm.install(cluster, names.CRDS_CHART, charts.crds, names.CRDS_NAMESPACE)
        install(kube, charts, amount.slots)
        records, made = list[OperatorRecord](), 0
        for count in sorted(amount.pods):
            say(f"making {count - made:,} pods, and waiting until the operator has exposed {count:,}")
            with ThreadPoolExecutor(THREADS) as pool:
                list(pool.map(lambda number: add_pod(kube, number), range(made + 1, count + 1)))
            made = count
            with running(cluster) as operator:
                operator.wait_until_exposed(count)
            found = list[OperatorStart]()
            for _ in range(amount.rounds):
                with running(cluster) as operator:
                    found.append(start_of(operator, count))
            say(f"counting the requests of an idle operator for {amount.idle_seconds:g} s")
            with running(cluster) as operator:
                operator.wait_until_ready()
                records.append(record(count, amount, found, idle(operator, amount.idle_seconds)))
            yield OperatorReport(crd_versions(kube), machine.machine(), tuple(records))


def install(kube: MeteredKube, charts: Charts, slots: int) -> None:
    """Apply the objects of the chart with its Gateway's address, as helm and a controller do.

    Objects of kinds of the controller are left out, because its CRDs are not installed.
    """
    values = {
        "controller": {"install": False},
        "gateway": {"addresses": [ADDRESS]},
        "slots": [{"start": FIRST_PORT, "count": slots}],
        **operator_image.VALUES,
    }
    text = helm.template(charts.gateway, values, release=RELEASE, namespace=NAMESPACE, arguments=["--no-hooks"])
    objects = [each for each in yaml.load_all(text, yaml.CSafeLoader) if each and kube.served(kind_of(each))]
    kube.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    for obj in (each for each in objects if each["kind"] not in MANY):
        kube.apply(obj, field_manager="helm")
    with ThreadPoolExecutor(THREADS) as pool:
        many = [each for each in objects if each["kind"] in MANY]
        list(pool.map(lambda obj: kube.apply(obj, field_manager="helm"), many))
    status = {"addresses": [{"type": "IPAddress", "value": ADDRESS}]}
    kube.patch(GATEWAY, RELEASE, NAMESPACE, {"status": status}, subresource="status")


def pod(number: int) -> Manifest:
    """Return the pod of this number, with the label for the operator and the size of a notebook's."""
    made = fake_pods.pod(number, NAMESPACE, task_label=False)
    made["metadata"]["labels"][names.EXPOSE] = str(fake_pods.PORT)
    made["spec"]["containers"][0]["env"] = VARIABLES
    return made


def add_pod(kube: MeteredKube, number: int) -> None:
    """Create a pod, and write the status of a running one."""
    made = pod(number)
    kube.create(made)
    kube.replace(made | {"status": fake_pods.pod_status(number)}, subresource="status")


def start_of(operator: OperatorProcess, pods: int) -> OperatorStart:
    """Wait until a process that just started is ready, and return its figures; all pods must still be exposed."""
    ready = operator.wait_until_ready()
    cpu = operator.cpu_seconds()
    operator.wait_until_exposed(pods)
    return OperatorStart(ready, cpu, operator.memory_mib())


def idle(operator: OperatorProcess, seconds: float) -> Count:
    """Return the requests of an idle operator, without its watches and the renewals of its Lease."""
    time.sleep(SETTLE_SECONDS)
    before = operator.requests()
    time.sleep(seconds)
    after = operator.requests()
    return Count(after.writes - before.writes, after.requests - before.requests)


def record(pods: int, amount: Amount, starts: Sequence[OperatorStart], quiet: Count) -> OperatorRecord:
    """Return the record of one number of pods."""
    return OperatorRecord(
        pods=pods,
        slots=amount.slots,
        starts=len(starts),
        ready_seconds=spread([each.ready for each in starts]),
        cpu_seconds=spread([each.cpu for each in starts]),
        memory_mib=round(max(each.memory for each in starts)),
        idle_seconds=amount.idle_seconds,
        idle_requests=quiet.requests,
        idle_writes=quiet.writes,
    )
