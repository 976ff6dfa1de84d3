"""The gateway for the faults: real, with live tasks, and invariants that must hold after each fault."""

import json
import os
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from tests.faults.serving import greeting, greeting_of, pod
from tests.faults.watching import until

from task_gateway.controllers.base import Controller
from task_gateway.kube import helm
from task_gateway.kube.client import Kube
from task_gateway.kube.process import Word, run, tool
from task_gateway.kube.wait import condition, wait_for
from task_gateway.model import TASK_LABEL, Address, Cluster, InternalTaskGateway, Manifest, Task
from task_gateway.routing import names
from task_gateway.routing.gateway import TaskGateway
from task_gateway.routing.gateway_api import GATEWAY
from task_gateway.routing.names import CRDS_CHART, CRDS_NAMESPACE
from task_gateway.routing.reach import wait_until_refused
from task_gateway.settings import GATEWAY_PROGRAMMED, POD_READY, TASK_EXPOSED, TASK_REACHABLE
from task_gateway_lab.clusters import base
from task_gateway_lab.clusters.kind import node_address
from task_gateway_lab.clusters.node import LAST_ADDRESS, Node
from task_gateway_lab.master.launcher import not_ready

RELEASE, NAMESPACE, START, COUNT = "itg", "gateways", 20000, 60
PER_TASK_START, PER_TASK_COUNT = 21000, 20
PORTS = (8001, 8002, 8003, 8004)
SLOTS_AND_TASKS = {"gateways": {"maxListeners": 128}}
"""Contour's slots are listeners of the Gateway, in addition to those of tasks."""
POD, SERVICE, DEPLOYMENT = "v1/Pod", "v1/Service", "apps/v1/Deployment"


@dataclass
class FaultLab:
    """One gateway, its pods, and the task that the library reported for each address, by strategy."""

    cluster: Cluster
    kube: Kube
    controller: Controller
    gateway: InternalTaskGateway
    chart: Path
    told: dict[str, dict[Address, tuple[str, int]]] = field(default_factory=dict)

    @property
    def node(self) -> Node:
        return Node.running(self.cluster)

    @property
    def proxies(self) -> str:
        """The labels of Envoy's Deployment and pods."""
        return self.controller.proxies(RELEASE, NAMESPACE)

    @property
    def values(self) -> dict[str, Any]:
        """The values of the chart; the controller has one pod, so suspending that pod suspends the controller."""
        own = {"gateway": {"addresses": [self.gateway.gateway_ip]}, "slots": [{"start": START, "count": COUNT}]}
        quick = {"contour": {"clientQPS": 500}}
        ports = self.controller.task_ports(PER_TASK_START, PER_TASK_COUNT)
        return helm.merged(self.controller.values(self.chart), own, self.controller.one_pod, quick, ports)

    def tasks(self, strategy: str = "slots", *, kube: Any = None) -> TaskGateway:
        """Return the library in the state of a new process."""
        return TaskGateway(kube or self.kube, self.range_of(strategy), NAMESPACE, strategy)

    def range_of(self, strategy: str) -> InternalTaskGateway:
        if strategy == "slots":
            return self.gateway
        name, namespace, address = self.gateway.gateway_name, NAMESPACE, self.gateway.gateway_ip
        last = PER_TASK_START + PER_TASK_COUNT - 1
        return InternalTaskGateway(name, namespace, address, PER_TASK_START, last)

    def start(self, *tasks: str, ports: tuple[int, ...] = PORTS) -> None:
        """Run the pods of tasks until they are Ready; running ones are left alone."""
        there = self._pods()
        for task in tasks:
            if task not in there:
                self.kube.create(pod(task, NAMESPACE, ports))
        for task in tasks:
            wait_for(self.kube, POD_READY, POD, task, NAMESPACE, not_ready)

    def task(self, name: str, ports: tuple[int, ...] = PORTS[:1]) -> Task:
        return Task(name, NAMESPACE, ports, owner="ada")

    def expose(self, task: str, ports: tuple[int, ...] = PORTS[:1], *, strategy: str = "slots") -> tuple[Address, ...]:
        """Expose a task with a running pod, wait until it is reachable, and record its addresses."""
        addresses = self.tasks(strategy).expose(self.task(task, ports), wait=TASK_EXPOSED)
        self.remember(strategy, task, ports, addresses)
        return addresses

    def remember(self, strategy: str, task: str, ports: Iterable[int], addresses: Iterable[Address]) -> None:
        told = self.told.setdefault(strategy, {})
        told |= {address: (task, port) for address, port in zip(addresses, ports, strict=True)}

    def forget(self, task: str) -> None:
        """Drop the record of a task that was released, or freed by a reconcile."""
        for strategy, told in self.told.items():
            self.told[strategy] = {address: held for address, held in told.items() if held[0] != task}

    def release(self, task: str, *, strategy: str = "slots") -> None:
        self.tasks(strategy).release(task)
        self.forget(task)

    @property
    def greetings(self) -> dict[Address, str]:
        """The expected greeting at each address of a live task."""
        return {address: greeting(*held) for told in self.told.values() for address, held in told.items()}

    def everything_holds(self) -> None:
        """Every live task is reachable at its address and answers with its name, and the tables match the cluster."""
        for strategy, told in self.told.items():
            listed = {each.address: (each.task_id, each.target_port) for each in self.tasks(strategy).exposed()}
            assert listed == told, strategy
            repairs = self.tasks(strategy).reconcile(grace_seconds=0)
            assert repairs == [], f"{strategy}: {repairs}"
        self._slots_agree()
        for address, wanted in self.greetings.items():
            until(partial(unreached, address, wanted), TASK_REACHABLE.seconds)
        for port in set(range(START, START + COUNT)) - {each.port for each in self.greetings}:
            wait_until_refused(Address(self.gateway.gateway_ip, port))

    def _slots_agree(self) -> None:
        """The slots' Services select exactly the recorded tasks."""
        gateway = self.gateway
        selector = names.slots_selector(gateway.gateway_name, gateway.gateway_namespace)
        wanted = {address.port: task for address, (task, _) in self.told.get("slots", {}).items()}
        found = {}
        for service in self.kube.list(SERVICE, NAMESPACE, selector):
            chosen = service["spec"].get("selector") or {}  # none if the slot was never used
            assert set(chosen) <= {TASK_LABEL}
            if "." not in chosen.get(TASK_LABEL, "."):
                found[int(service["metadata"]["labels"][names.SLOT_LABEL])] = chosen[TASK_LABEL]
        assert found == wanted

    def clear(self, keep: Collection[str]) -> None:
        """Release and remove every task but those."""
        for strategy in ("slots", "listeners"):
            for task in {each.task_id for each in self.tasks(strategy).exposed()} - set(keep):
                self.release(task, strategy=strategy)
        for name in (others := self._pods() - set(keep)):
            self.kube.delete(POD, name, NAMESPACE)
        until(lambda: ", ".join(others & self._pods()), POD_READY.seconds)

    def _pods(self) -> set[str]:
        return {each["metadata"]["name"] for each in self.kube.list(POD, NAMESPACE, TASK_LABEL)}

    def deployment(self, labels: str) -> Manifest:
        """Return the only Deployment with these labels when all of its pods are new and available."""
        (found,) = self.kube.list(DEPLOYMENT, NAMESPACE, labels)
        return wait_for(self.kube, POD_READY, DEPLOYMENT, found["metadata"]["name"], NAMESPACE, rolled_out)

    def kill_pods(self, labels: str, namespace: str = NAMESPACE) -> None:
        """Delete pods without a grace period."""
        words = ["--selector", labels, "--namespace", namespace, "--grace-period=0", "--force"]
        run([tool("kubectl"), "--kubeconfig", self.cluster.kubeconfig, "delete", "pods", *words])

    def give_next(self, address: str) -> None:
        """Give the next pod an address, after the pod with that address is gone."""
        notes = LAST_ADDRESS.replace("last_reserved_ip.0", address)
        until(lambda: self.node.run("sh", "-c", f"ls {notes} 2>/dev/null || true").strip(), POD_READY.seconds)
        self.node.next_address(address)

    def upgrade(self, values: dict[str, Any], *arguments: str) -> str:
        """Upgrade the release as a user does, wait until the Gateway is Programmed, and return helm's output."""
        where: list[Word] = ["--namespace", NAMESPACE, "--kubeconfig", self.cluster.kubeconfig]
        words = ["--values", "-", "--wait", *where, *arguments]
        done = run([tool("helm"), "upgrade", RELEASE, self.chart, *words], input=json.dumps(values))
        self.gateway_is_programmed()
        return done.stdout

    def install_crds(self, package: Path) -> None:
        """Install or upgrade the CRDs, with enough listeners for the tests."""
        raised = {} if self.controller.listener_sets else SLOTS_AND_TASKS
        helm.install(self.cluster, CRDS_CHART, package, CRDS_NAMESPACE, {**self.controller.crds, **raised})

    def gateway_is_programmed(self) -> Manifest:
        return wait_for(self.kube, GATEWAY_PROGRAMMED, GATEWAY, RELEASE, NAMESPACE, condition("Programmed"))


@contextmanager
def bring_up(
    name: str,
    controller: Controller,
    packages: Path,
    spelt: Callable[[dict[str, Any]], dict[str, Any]] = dict,
) -> Iterator[FaultLab]:
    """Start a kind cluster with both charts of a folder and one of the controllers.

    `spelt` returns the values with their names in these charts.
    """
    (chart,), (crds,) = packages.glob("internal-task-gateway-*.tgz"), packages.glob("gateway-api-crds-*.tgz")
    with base.temporary_cluster("kind", base.ClusterRequest(f"{name}-{os.getpid()}"), say=print) as cluster:
        kube = Kube(cluster)
        gateway = InternalTaskGateway(RELEASE, NAMESPACE, node_address(kube), START, START + COUNT - 1)
        made = FaultLab(cluster, kube, controller, gateway, chart)
        made.install_crds(crds)
        helm.install(cluster, RELEASE, chart, NAMESPACE, spelt(made.values))
        made.gateway_is_programmed()
        yield made


def rolled_out(deployment: Manifest | None) -> str | None:
    """Return what a Deployment still waits for, None when all its pods are new and available."""
    if deployment is None:
        return "it does not exist"
    wanted, status = deployment["spec"]["replicas"], deployment.get("status") or {}
    if status.get("observedGeneration", 0) < deployment["metadata"]["generation"]:
        return "it was not seen yet"
    counts = [status.get(name, 0) for name in ("replicas", "updatedReplicas", "availableReplicas")]
    return None if counts == [wanted] * 3 else f"replicas, updated, available: {counts}"


def unreached(address: Address, wanted: str) -> str:
    """Return what is wrong with an address. The greeting of another task fails at once, without waiting."""
    try:
        said = greeting_of(address)
    except OSError as problem:
        return f"{address} ({wanted}): {problem}"
    assert said in ("", wanted), f"{address} is {wanted}'s and was answered by {said}"
    return "" if said else f"{address} ({wanted}) was closed without a greeting"
