"""Simulated tasks: each has its own Pod object and address, and one program answers for all of them.

A node supports 110 pods. These are bound to a Node object without a kubelet. This program writes its status and renews
its Lease, so the cluster treats it as live. One real pod on a real node has all their addresses.
"""

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from importlib import resources
from ipaddress import ip_network
from types import TracebackType

from task_gateway import images
from task_gateway.errors import AlreadyExists, TaskGatewayError
from task_gateway.kube.client import Kube
from task_gateway.kube.kinds import POD
from task_gateway.kube.wait import condition, wait_for, wait_until_usable
from task_gateway.model import LABEL_PREFIX, TASK_LABEL, Manifest, Task
from task_gateway.settings import POD_READY
from task_gateway_lab.bench import answers

NETWORK, PORT, PREFIX = "10.250.0.0/16", 7777, "bench-"
NODE, SERVER = "bench-node", "bench-answers"
POD_LABEL = f"{LABEL_PREFIX}/bench"
"""On each pod of a task, and the key of the node's taint."""
LEASES = "kube-node-lease"
RENEW_SECONDS = 10.0  # as a kubelet; after 40 s without a renewal, a node counts as lost
THREADS = 8


def task(number: int, namespace: str) -> Task:
    """Return the task of this number; its address answers with its name."""
    return Task(answers.name_of(address(number), NETWORK, PREFIX), namespace, (PORT,), owner="bench")


def address(number: int) -> str:
    """Return the address of the pod of this number."""
    return str(ip_network(NETWORK)[number])


class FakePods:
    """The node, the program that answers, and the simulated tasks.

    All are removed at the end, unless `leave` is set because the cluster will be removed.
    """

    def __init__(self, kube: Kube, namespace: str, *, leave: bool = False) -> None:
        self._kube = kube
        self._leave = leave
        self._namespace = namespace
        self._made: set[int] = set()
        self._with_task_label = True
        self._over = threading.Event()
        self._heart = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> "FakePods":
        with suppress(AlreadyExists):
            self._kube.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self._namespace}})
        self._kube.apply(node())
        self._kube.replace(node() | {"status": node_status()}, subresource="status")
        self._kube.apply(lease())
        self._heart.start()
        wait_until_usable(self._kube, self._namespace)
        self._kube.create(server(self._namespace))
        wait_for(self._kube, POD_READY, POD, SERVER, self._namespace, condition("Ready"))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._over.set()
        self._heart.join()
        if self._leave:
            return
        with suppress(TaskGatewayError):
            self._kube.delete(POD, SERVER, self._namespace)
            self._each(self._remove, self._made)
            self._kube.delete("v1/Node", NODE)

    def add(self, numbers: Iterable[int]) -> None:
        """Create the missing pods of these numbers."""
        missing = [number for number in numbers if number not in self._made]
        self._each(self._make, missing)
        self._made.update(missing)

    def carry_task_label(self, *, carry: bool) -> None:
        """Set the label that slots select on all pods, including later ones, or remove it for the operator to set."""
        if carry != self._with_task_label:
            self._with_task_label = carry
            self._each(self._relabel, self._made)

    def _relabel(self, number: int) -> None:
        found = pod(number, self._namespace, task_label=self._with_task_label)["metadata"]
        labels = {TASK_LABEL: None} | found["labels"]
        self._kube.patch(POD, found["name"], self._namespace, {"metadata": {"labels": labels}})

    def _make(self, number: int) -> None:
        made = pod(number, self._namespace, task_label=self._with_task_label)
        self._kube.create(made)
        self._kube.replace(made | {"status": pod_status(number)}, subresource="status")

    def _remove(self, number: int) -> None:
        self._kube.delete(POD, task(number, self._namespace).id, self._namespace)

    @staticmethod
    def _each(work: Callable[[int], None], numbers: Iterable[int]) -> None:
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(work, numbers))

    def _beat(self) -> None:
        while not self._over.wait(RENEW_SECONDS):
            with suppress(TaskGatewayError):  # the next renewal is in time
                self._kube.apply(lease())


def node() -> Manifest:
    """Return the node without a kubelet; it has no operating system label, so no DaemonSet selects it."""
    taint = {"key": POD_LABEL, "effect": "NoSchedule"}
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": NODE}, "spec": {"taints": [taint]}}


def node_status() -> Manifest:
    """Return the status of a Ready node without an IP address, because it must not be contacted."""
    now = _now()
    ready = {
        "type": "Ready", "status": "True", "reason": "Bench", "message": "nothing runs here",
        "lastHeartbeatTime": now, "lastTransitionTime": now,
    }  # fmt: skip
    return {"conditions": [ready], "addresses": [{"type": "Hostname", "address": NODE}], "capacity": {"pods": "10000"}}


def lease() -> Manifest:
    """Return the Lease of the node."""
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": NODE, "namespace": LEASES},
        "spec": {"holderIdentity": NODE, "leaseDurationSeconds": 40, "renewTime": _now(fraction=True)},
    }


def pod(number: int, namespace: str, *, task_label: bool = True) -> Manifest:
    """Return the Pod object of a task, with the task label unless the operator sets it."""
    name = task(number, namespace).id
    labels = {POD_LABEL: "task", **({TASK_LABEL: name} if task_label else {})}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {
            "nodeName": NODE,
            "terminationGracePeriodSeconds": 0,
            "automountServiceAccountToken": False,
            "containers": [{"name": "task", "image": "bench", "ports": [{"containerPort": PORT}]}],
            "tolerations": [{"operator": "Exists"}],
        },
    }


def pod_status(number: int) -> Manifest:
    """Return the status of a running pod that is Ready and has its own address."""
    now = _now()
    conditions = [
        {"type": each, "status": "True", "lastTransitionTime": now}
        for each in ("PodScheduled", "Initialized", "ContainersReady", "Ready")
    ]
    return {"phase": "Running", "startTime": now, "conditions": conditions, "podIP": address(number),
            "podIPs": [{"ip": address(number)}]}  # fmt: skip


def server(namespace: str) -> Manifest:
    """Return the only real pod: it uses the host network, adds all addresses and answers at each."""
    text = resources.files("task_gateway_lab.bench").joinpath("answers.py").read_text("utf-8")
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": SERVER, "namespace": namespace},
        "spec": {
            "hostNetwork": True,
            "terminationGracePeriodSeconds": 0,
            "automountServiceAccountToken": False,
            "containers": [
                {
                    "name": "answers",
                    "image": images.load().notebook,
                    "command": ["python3", "-c", text, NETWORK, PREFIX, str(PORT)],
                    "securityContext": {
                        "runAsUser": 0,
                        "allowPrivilegeEscalation": False,
                        "capabilities": {"drop": ["ALL"], "add": ["NET_ADMIN"]},
                    },
                    "readinessProbe": {"tcpSocket": {"port": PORT}, "periodSeconds": 1},
                }
            ],
        },
    }


def _now(*, fraction: bool = False) -> str:
    moment = datetime.now(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ" if fraction else "%Y-%m-%dT%H:%M:%SZ")
