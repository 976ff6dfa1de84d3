"""An operator on a real API server, as threads of the test, and the actions of users and the kubelet."""

import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from tests.apiserver.planes import apply_chart
from tests.apiserver.test_names import write_gateway_status

from task_gateway.errors import NotFound
from task_gateway.kube.client import Kube
from task_gateway.kube.kinds import JOB, LEASE, POD, SERVICE
from task_gateway.model import Cluster, Manifest
from task_gateway.operator.request import allowed
from task_gateway.operator.rights import WITH_TASKS, with_gateway
from task_gateway.operator.run import Operator, Options
from task_gateway.routing import names
from task_gateway.settings import Settings

HOME, TASKS, IP, START = "gateways", "tasks", "192.0.2.7", 20000
ACCOUNT = "operator"
WATCH_SECONDS = 5.0
"""The duration of watches, because each watch of a stopped operator keeps a connection until it ends."""
PORTS = [{"name": "http", "containerPort": 8888}, {"name": "board", "containerPort": 6006}]
SPEC = {"containers": [{"name": "task", "image": "none", "ports": PORTS}], "terminationGracePeriodSeconds": 0}
EXPOSED = "task-gateway.dev/Exposed"


@dataclass
class OperatorSite:
    """A gateway with a few slots in one task namespace; `account` is the API server as the operator's account."""

    kube: Kube
    account: Kube

    def options(self, **changed: Any) -> Options:
        fixed: dict[str, Any] = {"gateway": "gw", "gateway_namespace": HOME, "port": 0, "measure_reached": False}
        return Options(**(fixed | changed))

    @contextmanager
    def operator(self, kube: Any = None, **changed: Any) -> Iterator[Operator]:
        """Run an operator with only the permissions of its Roles."""
        made = Operator(kube or self.account, self.options(**changed))
        try:
            made.start()
            until(lambda: made.leads)
            yield made
        finally:
            made.stop()

    def pod(self, name: str, expose: str | None = "8888", *, address: str = "10.0.0.1", **more: Any) -> Manifest:
        """Create a pod as a user would, and give it an address as the kubelet would."""
        labels = {names.EXPOSE: expose} if expose is not None else {}
        meta = {"name": name, "namespace": TASKS, "labels": labels, "annotations": more.get("annotations", {})}
        if "job" in more:
            job = more["job"]["metadata"]
            owner = {"apiVersion": "batch/v1", "kind": "Job", "name": job["name"], "uid": job["uid"]}
            meta["ownerReferences"] = [owner | {"controller": True}]
        made = self.kube.create({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": SPEC})
        return (
            self.status(name, {"phase": "Running", "podIP": address, "podIPs": [{"ip": address}]}) if address else made
        )

    def status(self, name: str, status: Manifest) -> Manifest:
        return self.kube.patch(POD, name, TASKS, {"status": status}, strategic=True, subresource="status")

    def change(self, name: str, **meta: Any) -> Manifest:
        return self.kube.patch(POD, name, TASKS, {"metadata": meta})

    def get(self, name: str) -> Manifest:
        return self.kube.get(POD, name, TASKS)

    def uid(self, name: str) -> str:
        return str(self.get(name)["metadata"]["uid"])

    def exposed_condition(self, name: str) -> tuple[str, str] | None:
        """Return status and reason of a pod's condition."""
        return next(
            (
                (each["status"], each["reason"])
                for each in self.get(name)["status"].get("conditions") or []
                if each["type"] == EXPOSED
            ),
            None,
        )

    def wait(self, name: str, reason: str) -> Manifest:
        """Return a pod when its condition has this reason."""
        until(lambda: (self.exposed_condition(name) or ("", ""))[1] == reason, lambda: f"{name}: {self.get(name)}")
        return self.get(name)

    def notes(self, name: str) -> dict[str, str]:
        found = self.get(name)["metadata"].get("annotations") or {}
        return {key: value for key, value in found.items() if key in (names.ADDRESS, names.ADDRESSES)}

    def address(self, name: str) -> str:
        return self.notes(name)[names.ADDRESS]

    def claims(self) -> dict[int, str]:
        """Return the task of each port that has one."""
        return {
            int(each["metadata"]["labels"][names.SLOT_LABEL]): task
            for each in self.kube.list(SERVICE, TASKS, names.SLOT_LABEL)
            if (task := (each["metadata"].get("annotations") or {}).get(names.CLAIMED_BY))
        }

    def versions(self) -> dict[str, str]:
        """Return the version of every object that the operator may write, except its Lease."""
        return {
            f"{kind} {each['metadata']['name']}": each["metadata"]["resourceVersion"]
            for kind in (SERVICE, POD, "v1/Event")
            for each in self.kube.list(kind, TASKS)
        }

    def clean(self) -> None:
        """Remove all pods and Jobs, and restore the initial state of all slots."""
        for kind in (POD, JOB, "v1/Event"):
            for each in self.kube.list(kind, TASKS):
                with suppress(NotFound):
                    self.kube.delete(kind, each["metadata"]["name"], TASKS)
        for each in self.kube.list(SERVICE, TASKS, names.SLOT_LABEL):
            fresh = {"metadata": {"annotations": None}, "spec": {"selector": None}}
            self.kube.patch(SERVICE, each["metadata"]["name"], TASKS, fresh)
        self.kube.delete(LEASE, "gw-operator", HOME)


def installed(kube: Kube, folder: Path, slots: int, address: str = IP) -> OperatorSite:
    """Install a gateway with slots, and the operator's account with its permissions."""
    values = {"slots": [{"namespace": TASKS, "start": START, "count": slots}]}
    apply_chart(kube, "gw", HOME, values, "gateway", "configmap", "services")
    write_gateway_status(kube, [{"type": "IPAddress", "value": address}], Programmed="True")
    kube.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": ACCOUNT, "namespace": HOME}})
    home = [_rule(each.right.verb, each.right.group, each.right.resource, each.name) for each in with_gateway("gw")]
    for namespace, rules in ((HOME, home), (TASKS, [_rule(*each[:3]) for each in WITH_TASKS])):
        meta = {"name": ACCOUNT, "namespace": namespace}
        group = "rbac.authorization.k8s.io"
        kube.create({"apiVersion": f"{group}/v1", "kind": "Role", "metadata": meta, "rules": rules})
        kube.create({
            "apiVersion": f"{group}/v1", "kind": "RoleBinding", "metadata": meta,
            "roleRef": {"apiGroup": group, "kind": "Role", "name": ACCOUNT},
            "subjects": [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": HOME}],
        })  # fmt: skip
    content = yaml.safe_load(kube.cluster.kubeconfig.read_text())
    content["users"][0]["user"] = {"token": kube.token(ACCOUNT, HOME, 7200)}
    file = folder / "operator.kubeconfig"
    file.write_text(yaml.safe_dump(content))
    return OperatorSite(kube, Kube(Cluster("operator", "existing", file), Settings(watch_seconds=WATCH_SECONDS)))


def _rule(verb: str, group: str, resource: str, name: str = "") -> Manifest:
    return {"apiGroups": [group], "resources": [resource], "verbs": [verb]} | (
        {"resourceNames": [name]} if name else {}
    )


def until(seen: Callable[[], bool], last: Callable[[], object] = lambda: "", seconds: float = 30) -> None:
    """Poll until `seen` returns True, because these states cannot be watched."""
    deadline = time.monotonic() + seconds
    while not seen():
        assert time.monotonic() < deadline, last()
        time.sleep(0.02)


def scraped(operator: Operator, path: str = "metrics") -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{operator.port}/{path}", timeout=10) as answer:
        return str(answer.read().decode())


def addresses(notes: dict[str, str]) -> dict[str, str]:
    found: dict[str, str] = json.loads(notes[names.ADDRESSES])
    return found


__all__ = ["OperatorSite", "addresses", "allowed", "installed", "scraped", "until"]
