"""The policies of the operator on a real API server: who may route a port to a pod, and who may write its result.

The users here have all permissions for Kubernetes' own kinds in the namespace, so only a policy, not RBAC, can refuse
them. No controller runs: the test impersonates the Job controller.
"""

import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.apiserver import planes
from tests.apiserver.operator_acts import (
    ADDRESS,
    ADDRESSES,
    ADMIN,
    CONDITION,
    GATEWAY,
    OWN,
    PORT,
    RESULT,
    SLOT,
    TASK,
    WORKLOADS,
    Act,
    PolicyNamespace,
    alike,
    bind,
    bind_at_the_old_path,
    change_pod,
    condition,
    create_pod,
    made_alike,
    owner_ref,
    patch_status,
    post,
    recreated,
    scaled,
    service,
    slot,
    without,
    workload,
)

from task_gateway.errors import CommandFailed, Forbidden
from task_gateway.kube.client import Kube
from task_gateway.kube.kinds import JOB, POD, SERVICE
from task_gateway.model import TASK_LABEL, Manifest
from task_gateway.routing import names

SECONDS = 30.0
USER, MASTER = "ada", "master"
OPERATOR = "system:serviceaccount:{}:" + f"{GATEWAY}-operator"
JOBS, SETS, MANAGER = (
    "system:serviceaccount:kube-system:job-controller",
    "system:serviceaccount:kube-system:replicaset-controller",
    "system:kube-controller-manager",
)
STRANGER = "system:serviceaccount:kube-system:generic-garbage-collector"
RIGHTS = [
    {"apiGroups": ["", "apps", "batch"], "resources": ["*"], "verbs": ["*"]},
]


@pytest.fixture(scope="module")
def namespace(control_plane: Kube) -> Iterator[str]:
    """A namespace with the objects of the chart, where users have all permissions for Kubernetes' own kinds."""
    name = f"tasks-{uuid.uuid4().hex[:8]}"
    kube = control_plane
    kube.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    kube.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": name}})
    values = {
        "slots": [{"namespace": "", "start": PORT, "count": 1}],
        "operator": {"enabled": True, "image": "operator:1"},
        "rbac": {"subjects": [{"kind": "User", "name": MASTER}]},
    }
    parts = ("serviceaccount", "role", "rolebinding", "policy-pods", "policy-templates", "policy-claims")
    shown = ["services", "role", "rolebinding", *(f"operator/{each}" for each in parts)]
    rendered = planes.rendered(GATEWAY, name, values, *shown)
    policies = [each["metadata"]["name"] for each in rendered if each["kind"] == "ValidatingAdmissionPolicy"]
    for each in rendered:
        kube.apply(each, field_manager="helm")
    meta = {"name": "users", "namespace": name}
    group = "rbac.authorization.k8s.io"
    kube.create({"apiVersion": f"{group}/v1", "kind": "Role", "metadata": meta, "rules": RIGHTS})
    subjects = [{"kind": "User", "name": each, "apiGroup": group} for each in (USER, MASTER, MANAGER)]
    subjects += [{"kind": "ServiceAccount", "name": "generic-garbage-collector", "namespace": "kube-system"}]
    ref = {"apiGroup": group, "kind": "Role", "name": "users"}
    kube.create(
        {
            "apiVersion": f"{group}/v1",
            "kind": "RoleBinding",
            "metadata": meta,
            "roleRef": ref,
            "subjects": subjects,
        }
    )
    yield name
    for policy in policies:
        for kind in ("ValidatingAdmissionPolicyBinding", "ValidatingAdmissionPolicy"):
            kube.delete(f"admissionregistration.k8s.io/v1/{kind}", policy)
    kube.delete("v1/Namespace", name)


@pytest.fixture(scope="module")
def enforced(control_plane: Kube, namespace: str, tmp_path_factory: pytest.TempPathFactory) -> PolicyNamespace:
    """The same, when the API server enforces all policies, a moment after their creation."""
    found = PolicyNamespace(control_plane, namespace, tmp_path_factory.mktemp("kubeconfig"))
    user = found.as_user(USER)
    task = {"labels": {TASK_LABEL: "t"}}
    for obj in (found.pod("x", task), found.owned(JOB, {}, "spec", "template", **task), slot(found, "gw-slot-1")):
        deadline = time.monotonic() + SECONDS
        while not _refused(user, obj):
            assert time.monotonic() < deadline, f"no policy refuses {obj['kind']}"
            time.sleep(0.1)
    return found


@pytest.fixture
def place(enforced: PolicyNamespace, tmp_path: Path) -> Iterator[PolicyNamespace]:
    """A pod with a port and one without, before and after each row."""
    found = replace(enforced, folder=tmp_path)
    admin, kube = found.as_user(ADMIN), enforced.kube
    held = {"labels": {TASK_LABEL: "held"}, "annotations": {ADDRESS: "192.0.2.7:20000"}}
    admin.create(found.pod("held", held))
    pod = admin.get(POD, "held", found.namespace)
    admin.replace(pod | {"status": pod["status"] | {"conditions": [CONDITION]}}, subresource="status")
    admin.create(found.pod("free"))
    patch = {"metadata": {"annotations": {names.CLAIMED_BY: "held"}}, "spec": {"selector": {TASK_LABEL: "held"}}}
    admin.patch(SERVICE, SLOT, found.namespace, patch)
    yield found
    for each in kube.list(POD, found.namespace):
        kube.delete(POD, each["metadata"]["name"], found.namespace)
    for each in kube.list(SERVICE, found.namespace):
        if each["metadata"]["name"] != SLOT:
            kube.delete(SERVICE, each["metadata"]["name"], found.namespace)


def _refused(kube: Kube, obj: Manifest) -> bool:
    try:
        kube.create(obj, dry_run=True)
    except Forbidden:
        return True
    return False


ALLOWED: dict[str, tuple[str, Act]] = {
    "a user creates a pod": (USER, create_pod(labels=OWN | {"task-gateway.dev/expose": "8888"})),
    "a user requests a port": (
        USER,
        change_pod("free", labels={"task-gateway.dev/expose": "8888"}, annotations={"task-gateway.dev/port": "20000"}),
    ),
    "a user labels a pod that has a port": (USER, change_pod("held", labels=OWN, annotations=OWN)),
    "a user removes the label of a pod": (USER, without("labels", TASK_LABEL)),
    "a user removes the address of a pod": (USER, without("annotations", ADDRESS)),
    "another condition changes with ours": (USER, condition("held")),
    "a scheduler binds a pod": (USER, bind()),
    "a drain evicts a pod": (USER, post("eviction", "policy/v1/Eviction", "held")),
    "a scheduler binds a pod with labels of its topology": (USER, bind(labels={"topology.kubernetes.io/zone": "a"})),
    "the operator writes its result": (OPERATOR, patch_status(labels=TASK, annotations=RESULT)),
    "a resource manager creates a pod with a task": (MASTER, create_pod(labels=TASK)),
    "a resource manager labels a pod": (MASTER, change_pod("free", labels=TASK)),
    "an administrator labels a pod": (ADMIN, change_pod("free", labels=TASK, annotations=RESULT)),
    "the Job controller copies the label": (JOBS, create_pod(labels=TASK)),
    "the Job controller creates a pod of a Job": (JOBS, create_pod(ownerReferences=[owner_ref("batch/v1", "Job")])),
    "a user creates a pod of another kind of Job": (
        USER, create_pod(ownerReferences=[owner_ref("batch.example.com/v1", "Job")]),
    ),
    "the ReplicaSet controller copies the label": (SETS, create_pod(labels=TASK)),
    "a controller manager with one identity copies the label": (MANAGER, create_pod(labels=TASK)),
    "a user changes a workload that had the label": (USER, scaled),
    "a user labels a slot": (USER, service({"metadata": {"labels": OWN, "annotations": OWN}})),
    "a user creates a Service": (USER, lambda place, kube: kube.create(slot(place, "mine"))),
    "a resource manager claims a slot": (MASTER, service({"spec": {"selector": TASK}})),
    "the operator claims a slot": (
        OPERATOR,
        service({"metadata": {"annotations": {names.CLAIMED_BY: "x"}}, "spec": {"selector": {TASK_LABEL: "x"}}}),
    ),
    **{f"a resource manager creates a {kind} of a task": (MASTER, workload(kind, labels=TASK)) for kind in WORKLOADS},
    **{f"a user creates a {kind}": (USER, workload(kind)) for kind in WORKLOADS},
    **{f"a controller copies a {kind} of a task": (MANAGER, workload(kind, labels=TASK)) for kind in WORKLOADS},
}  # fmt: skip
REFUSED: dict[str, tuple[str, Act, str]] = {
    "a user creates a pod with the task of another": (USER, create_pod(labels=TASK), "pods"),
    "a user labels a pod": (USER, change_pod("free", labels=TASK), "pods"),
    "a user gives a pod another task": (USER, change_pod("held", labels={TASK_LABEL: "other"}), "pods"),
    "a user labels a pod by its status": (USER, change_pod("free", "status", labels=TASK), "pods"),
    "a user labels a pod by a binding": (USER, bind(labels=TASK), "pods"),
    "a user labels a pod by a binding at the old path": (USER, bind_at_the_old_path, "pods"),
    "a user annotates a pod by a binding": (USER, bind(annotations=RESULT), "pods"),
    "a user creates a pod with an address": (USER, create_pod(annotations=RESULT), "pods"),
    "a user creates a pod with addresses": (USER, create_pod(annotations={ADDRESSES: "{}"}), "pods"),
    "a user changes an address": (USER, change_pod("held", annotations=RESULT), "pods"),
    "a user writes a condition": (USER, condition("free"), "pods"),
    "a user changes a condition": (USER, condition("held", status="False"), "pods"),
    "a resource manager writes an address": (MASTER, change_pod("free", annotations=RESULT), "pods"),
    "a resource manager writes a condition": (MASTER, condition("free"), "pods"),
    "a user creates a pod of a Job": (USER, create_pod(ownerReferences=[owner_ref("batch/v1", "Job")]), "pods"),
    "a user gives a pod to a Job": (USER, change_pod("free", ownerReferences=[owner_ref("batch/v1", "Job")]), "pods"),
    "the Job controller copies an address": (JOBS, create_pod(annotations=RESULT), "pods"),
    "a controller that copies no template sets the label": (STRANGER, create_pod(labels=TASK), "pods"),
    "a user writes a selector": (USER, service({"spec": {"selector": OWN}}), "claims"),
    "a user writes a target port": (USER, service({"spec": {"ports": [{"port": PORT, "targetPort": 22}]}}), "claims"),
    "a user writes the annotation of a claim": (
        USER, service({"metadata": {"annotations": {names.CLAIMED_BY: "x"}}}), "claims",
    ),
    "a user removes the annotation of a claim": (
        USER, service({"metadata": {"annotations": {names.CLAIMED_BY: None}}}), "claims",
    ),
    "a user removes the label of a slot": (USER, service({"metadata": {"labels": {names.SLOT_LABEL: None}}}), "claims"),
    "a user creates a Service under the name of a slot": (USER, recreated, "claims"),
    "a user creates a Service with the labels of a slot": (USER, alike, "claims"),
    "a user gives a Service the labels of a slot": (USER, made_alike, "claims"),
    **{f"a user creates a {kind} of a task": (USER, workload(kind, labels=TASK), "templates") for kind in WORKLOADS},
    **{
        f"a user creates a {kind} with an address": (USER, workload(kind, annotations=RESULT), "templates")
        for kind in WORKLOADS
    },
    "a controller copies an address": (MANAGER, workload("apps/v1/ReplicaSet", annotations=RESULT), "templates"),
}  # fmt: skip


@pytest.mark.parametrize("row", ALLOWED)
def test_it_is_allowed(place: PolicyNamespace, row: str) -> None:
    user, act = ALLOWED[row]
    act(place, place.as_user(user))


@pytest.mark.parametrize("row", REFUSED)
def test_it_is_refused_by_the_policy(place: PolicyNamespace, row: str) -> None:
    """Users with all rights on Kubernetes' kinds write another's task, a result or a slot: the policies refuse each."""
    user, act, policy = REFUSED[row]
    with pytest.raises((Forbidden, CommandFailed), match=f"{GATEWAY}.{place.namespace}-{policy}"):
        act(place, place.as_user(user))


def test_the_operator_reads_its_own_namespaces_owner_and_no_other(place: PolicyNamespace) -> None:
    operator = place.as_user(OPERATOR)
    assert operator.get("v1/Namespace", place.namespace)["metadata"]["name"] == place.namespace
    with pytest.raises(Forbidden):
        operator.get("v1/Namespace", "default")
    with pytest.raises(Forbidden):
        operator.patch(POD, "free", place.namespace, {"metadata": {"labels": {"a": "b"}}})
