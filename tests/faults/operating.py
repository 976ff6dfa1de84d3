"""The operator in the cluster of the faults: pods that a label exposes, and replicas that are suspended and killed."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.faults import serving
from tests.faults.lab import DEPLOYMENT, NAMESPACE, POD, PORTS, RELEASE, FaultLab, unreached
from tests.faults.watching import until

from task_gateway.kube import helm
from task_gateway.kube.kinds import LEASE
from task_gateway.kube.process import Word, run, tool
from task_gateway.kube.wait import condition, wait_for
from task_gateway.model import Address, Manifest
from task_gateway.routing import names
from task_gateway.settings import POD_READY, Wait
from task_gateway_lab.master.launcher import not_ready

OPERATOR, IMAGE = f"{RELEASE}-operator", "localhost/task-gateway/operator"
OURS = "burst=yes"
REPLICAS = "app.kubernetes.io/component=operator"
WRITES = {"claimed", "published", "released", "restored"}
"""The events in the log of a replica that follow a write."""
API_PORT, MOST_PORTS = "6443", 15
"""The port of the API server in the node, and how many ports one rule of iptables may list."""
PEER = re.compile(r"\[?(?:::ffff:)?([0-9.]+)\]?:([0-9]+)")
EXPOSED = Wait("exposed", "the operator has written the pod's address", 120)
FREED_SECONDS, LEADS_SECONDS = 60.0, 60.0


@dataclass
class Operated:
    """A gateway with an operator of two replicas. Its pods send their uid, which is their task id."""

    lab: FaultLab
    archive: Path

    @property
    def values(self) -> dict[str, Any]:
        """The values of the release with the operator."""
        version = self.archive.name.removeprefix("task-gateway-operator-").removesuffix(".oci.tar")
        return helm.merged(self.lab.values, {"operator": {"enabled": True, "image": f"{IMAGE}:{version}"}})

    def upgrade(self, values: dict[str, Any] | None = None, *arguments: str) -> None:
        """Upgrade the release, and wait until both replicas are up to date."""
        self.lab.upgrade(self.values if values is None else values, *arguments)
        self.lab.deployment(REPLICAS)

    def roll_back(self) -> None:
        """Roll the release back to the revision before."""
        where: list[Word] = ["--namespace", NAMESPACE, "--kubeconfig", self.lab.cluster.kubeconfig]
        run([tool("helm"), "rollback", RELEASE, "--wait", *where])
        self.lab.gateway_is_programmed()
        self.lab.deployment(REPLICAS)

    def pod(self, name: str, namespace: str = NAMESPACE, *, labelled: bool = True) -> Manifest:
        """Return a pod that ends, without a restart, on the line `end`."""
        made = serving.pod(name, namespace, PORTS[:1])
        made["metadata"]["labels"] = dict(each.split("=") for each in (OURS, *([self.label] if labelled else [])))
        made["spec"]["restartPolicy"] = "Never"
        (container,) = made["spec"]["containers"]
        uid = {"name": "TASK", "valueFrom": {"fieldRef": {"fieldPath": "metadata.uid"}}}
        container["env"] = [uid, *(each for each in container["env"] if each["name"] != "TASK")]
        return made

    def start(self, *pods: str, labelled: bool = True) -> None:
        """Run pods until they are Ready."""
        for name in pods:
            self.lab.kube.create(self.pod(name, labelled=labelled))
        for name in pods:
            wait_for(self.lab.kube, POD_READY, POD, name, NAMESPACE, not_ready)

    @property
    def label(self) -> str:
        """The label that exposes a pod, as kubectl sets it."""
        return f"{names.EXPOSE}={PORTS[0]}"

    def label_all(self) -> None:
        """Label all pods of this module in one call."""
        self.kubectl("label", "pods", "--selector", OURS, self.label)

    def exposed(self, name: str, namespace: str = NAMESPACE) -> Address:
        """Return the address of a pod when it reaches the pod, and record its task. The pod must listen."""
        found = wait_for(self.lab.kube, EXPOSED, POD, name, namespace, condition(names.EXPOSED))
        address = Address.parse(found["metadata"]["annotations"][names.ADDRESS])
        wanted = serving.greeting(found["metadata"]["uid"], PORTS[0])
        until(lambda: unreached(address, wanted), EXPOSED.seconds)
        if namespace == NAMESPACE:
            self.lab.remember("slots", found["metadata"]["uid"], PORTS[:1], [address])
        return address

    def uid(self, name: str) -> str:
        return str(self.lab.kube.get(POD, name, NAMESPACE)["metadata"]["uid"])

    def address(self, name: str) -> str:
        """Return the pod's own address."""
        return str(self.lab.kube.get(POD, name, NAMESPACE)["status"]["podIP"])

    def greeting(self, name: str) -> str:
        return serving.greeting(self.uid(name), PORTS[0])

    def freed(self, *uids: str) -> None:
        """Return when no slot is claimed for these pods, and drop their records."""
        until(
            lambda: ", ".join({each.task_id for each in self.lab.tasks().exposed()} & set(uids)),
            FREED_SECONDS,
        )
        for uid in uids:
            self.lab.forget(uid)

    def clear(self) -> None:
        """Remove all pods of this module."""
        found = self.lab.kube.list(POD, NAMESPACE, OURS)
        self.kubectl("delete", "pods", "--selector", OURS, "--grace-period=0", "--force")
        self.freed(*(each["metadata"]["uid"] for each in found))

    def kubectl(self, *words: str, user: str = "") -> str:
        where: list[Word] = ["--kubeconfig", self.lab.cluster.kubeconfig, "--namespace", NAMESPACE]
        acting = ["--as", user] if user else []
        return run([tool("kubectl"), *where, *acting, *words]).stdout

    def leader(self) -> str:
        """Return the pod of the replica that holds the Lease."""
        lease = self.lab.kube.get(LEASE, names.operator(RELEASE), NAMESPACE)
        return str(lease["spec"]["holderIdentity"]).rpartition("_")[0]

    def another_leads(self, before: str) -> None:
        """Return when the Lease has another existing holder."""
        until(lambda: f"{before} leads" if self.leader() in ("", before) else "", LEADS_SECONDS)

    def process(self, pod: str) -> str:
        """Return the id, in the node, of the process of a replica."""
        those = f"grep --no-messages --files-with-matches --text HOSTNAME={pod} /proc/[0-9]*/environ || true"
        (file,) = self.lab.node.run("sh", "-c", those).split()
        return Path(file).parent.name

    def restarts(self, pod: str) -> int:
        (status,) = self.lab.kube.get(POD, pod, NAMESPACE)["status"]["containerStatuses"]
        return int(status["restartCount"])

    def wrote_since(self, pod: str, moment: datetime) -> list[Manifest]:
        """Return the log events of a replica that report a write after that time."""
        lines = self.lab.kube.logs(pod, NAMESPACE, lines=1000).splitlines()
        found = [json.loads(line) for line in lines if line.startswith("{")]
        return [each for each in found if each["event"] in WRITES and datetime.fromisoformat(each["time"]) > moment]

    def scale(self, replicas: int) -> None:
        """Set the number of replicas, and wait for it."""
        self.lab.kube.patch(DEPLOYMENT, OPERATOR, NAMESPACE, {"spec": {"replicas": replicas}})
        self.lab.deployment(REPLICAS)
        until(
            lambda: "" if len(self.lab.kube.list(POD, NAMESPACE, REPLICAS)) == replicas else "not as many pods",
            POD_READY.seconds,
        )

    @contextmanager
    def hanging(self, pod: str) -> Iterator[None]:
        """Suspend all open connections of a replica to the API server; new ones work."""
        host, node = self.address(pod), self.lab.node
        found = node.run("ss", "--no-header", "--tcp", "--numeric", "state", "established").splitlines()
        ends = [[PEER.fullmatch(word) for word in line.split()[-2:]] for line in found]
        ports = [peer[2] for own, peer in ends if own and peer and own[2] == API_PORT and peer[1] == host]
        assert len(ports) > 3, found
        rules = [
            rule for number in range(0, len(ports), MOST_PORTS) for rule in _drop(host, ports[number:][:MOST_PORTS])
        ]
        for chain, *rule in rules:
            node.run("iptables", "--insert", chain, *rule)
        try:
            yield
        finally:
            for chain, *rule in rules:
                node.run("iptables", "--delete", chain, *rule)


def _drop(host: str, ports: list[str]) -> list[tuple[str, ...]]:
    """Return chains and rules that drop packets in both directions between these ports of a pod and the API server."""
    those = ",".join(ports)
    tcp, multiport, drop = ("--protocol", "tcp"), ("--match", "multiport"), ("--jump", "DROP")
    return [
        ("INPUT", "--source", host, *tcp, "--dport", API_PORT, *multiport, "--sports", those, *drop),
        ("OUTPUT", "--destination", host, *tcp, "--sport", API_PORT, *multiport, "--dports", those, *drop),
    ]
