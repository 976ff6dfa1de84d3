"""A release with a lane for a Determined master on a control plane: the chart's objects, and both accounts."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from tests.apiserver import determined
from tests.apiserver.determined import DeterminedMaster
from tests.apiserver.operators import HOME, IP, TASKS, until
from tests.apiserver.planes import CHART, apply_chart
from tests.apiserver.test_names import write_gateway_status

from task_gateway.checks.determined import ROUTE
from task_gateway.errors import NotFound
from task_gateway.kube import helm
from task_gateway.kube.client import Kube
from task_gateway.kube.kinds import CONFIG_MAP, JOB, LEASE, POD, SERVICE
from task_gateway.model import Cluster, InternalTaskGateway, Manifest
from task_gateway.operator.run import Operator, Options
from task_gateway.routing import determined_lane, names
from task_gateway.routing.determined_lane import LaneSlot
from task_gateway.routing.gateway_api import GATEWAY, GATEWAY_CLASS
from task_gateway_lab.clusters import base

NAME, START = "gw-determined", 24000
PROFILE: Manifest = yaml.safe_load((CHART / "determined-lane.yaml").read_text())
TEMPLATES = (
    "gateway", "gatewayclass", "configmap", "services", "routepolicy", "slots-policy", "operator/serviceaccount",
    "operator/role", "operator/rolebinding", "operator/policy-pods", "operator/policy-templates",
    "operator/policy-claims", "operator/determined/gateway", "operator/determined/role", "operator/determined/master",
)  # fmt: skip
MASTER = "determined-master"
SUBJECT = {"kind": "ServiceAccount", "name": MASTER, "namespace": TASKS}


@contextmanager
def plane(name: str) -> Iterator[Kube]:
    """Start a control plane with the CRDs that a Determined master requires, and both namespaces."""
    with base.temporary_cluster(
        "control-plane", base.ClusterRequest(f"test-{name}-{os.getpid()}"), say=print
    ) as cluster:
        kube = Kube(cluster)
        (crds,) = (CHART.parents[1] / "dist").glob("gateway-api-crds-*.tgz")
        values = yaml.safe_load((CHART.parent / "gateway-api-crds" / "determined.yaml").read_text())
        helm.install(cluster, "crds", crds, "crds", values)
        for namespace in (HOME, TASKS):
            kube.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
        yield kube


def account(kube: Kube, name: str, namespace: str, folder: Path) -> Kube:
    """Return the API server as a ServiceAccount."""
    content = yaml.safe_load(kube.cluster.kubeconfig.read_text())
    content["users"][0]["user"] = {"token": kube.token(name, namespace, 7200)}
    file = folder / f"{name}.kubeconfig"
    file.write_text(yaml.safe_dump(content))
    return Kube(Cluster(name, "existing", file))


@dataclass
class LaneSite:
    """A release with a lane; `acting` is the API server as the operator, `master` as the master."""

    kube: Kube
    acting: Kube
    master: Kube
    count: int

    @property
    def gateway(self) -> InternalTaskGateway:
        return InternalTaskGateway(NAME, HOME, IP, START, START + self.count - 1)

    @contextmanager
    def operator(self, **changed: Any) -> Iterator[Operator]:
        """Run an operator with only the permissions of its Roles."""
        fixed: dict[str, Any] = {"gateway": "gw", "gateway_namespace": HOME, "port": 0, "measure_reached": False}
        made = Operator(self.acting, Options(**(fixed | changed)))
        try:
            made.start()
            until(lambda: made.leads)
            yield made
        finally:
            made.stop()

    def new_master(self) -> DeterminedMaster:
        return DeterminedMaster(self.master, self.gateway, TASKS)

    def lane(self) -> Manifest:
        return self.kube.get(GATEWAY, NAME, HOME)

    def slots(self) -> dict[int, LaneSlot]:
        """Read the slots of the lane by port."""
        services = self.kube.list(SERVICE, TASKS, names.LANE_LABEL)
        return {slot.port: slot for each in services if (slot := determined_lane.parse_slot(each)) is not None}

    def led(self) -> dict[int, tuple[str, int | str | None]]:
        """Return the allocation and the target port of each slot in use, by port."""
        busy = {port: slot for port, slot in self.slots().items() if not determined_lane.rests(slot)}
        return {port: (slot.allocation, slot.target) for port, slot in busy.items()}

    def clean(self) -> None:
        """Remove all objects of tasks, and restore the initial state."""
        self.clean_tasks()
        self.kube.delete(LEASE, "gw-operator", HOME)
        for kind, name, namespace in ((GATEWAY, NAME, HOME), (GATEWAY_CLASS, f"{NAME}.{HOME}", None)):
            self.kube.patch(kind, name, namespace, {"status": None}, subresource="status")

    def clean_tasks(self) -> None:
        """Remove all objects of tasks, also from the Gateway and the slots."""
        for kind in (SERVICE, ROUTE, JOB, CONFIG_MAP, POD):
            for each in self.kube.list(kind, TASKS, determined.LABEL):
                with suppress(NotFound):
                    self.kube.delete(kind, each["metadata"]["name"], TASKS)
        found = self.lane()
        first = [each for each in found["spec"]["listeners"] if each["name"] == "placeholder"]
        notes = {key: None for key in found["metadata"]["annotations"] if key.startswith("determined.ai/")}
        self.kube.patch(GATEWAY, NAME, HOME, {"metadata": {"annotations": notes}, "spec": {"listeners": first}})
        for each in self.kube.list(SERVICE, TASKS, names.LANE_LABEL):
            fresh = {"metadata": {"annotations": None}, "spec": {"selector": {"nobody": "is-this"}}}
            self.kube.patch(SERVICE, each["metadata"]["name"], TASKS, fresh)


def values(count: int, **more: Any) -> Manifest:
    """Return the values of a lane with `count` ports; `more` are other values of operator.determined."""
    lane = {"enabled": True, "namespace": TASKS, "start": START, "count": count, "subjects": [SUBJECT], **more}
    return helm.merged(PROFILE, {"operator": {"image": "none:1", "determined": lane}})


def installed(kube: Kube, folder: Path, count: int, **more: Any) -> LaneSite:
    """Install a lane with `count` ports, and create the accounts of the operator and the master."""
    apply_chart(kube, "gw", HOME, values(count, **more), *TEMPLATES)
    write_gateway_status(kube, [{"type": "IPAddress", "value": IP}], Programmed="True")
    kube.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": MASTER, "namespace": TASKS}})
    own = determined.own_role()
    kube.apply(own)
    kube.apply({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": MASTER},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": own["metadata"]["name"]},
        "subjects": [SUBJECT],
    })  # fmt: skip
    return LaneSite(kube, account(kube, "gw-operator", HOME, folder), account(kube, MASTER, TASKS, folder), count)
