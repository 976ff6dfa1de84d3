"""Rights of a resource manager: without any verb that the chart grants, a step must fail."""

import copy
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from tests.apiserver.broken import write_status
from tests.apiserver.planes import apply_chart, gateway_api, rendered
from tests.apiserver.strategies import NAMESPACE, ROUTE, SLOTS, StrategySite

from task_gateway.errors import Forbidden, NotReachable, TaskGatewayError
from task_gateway.kube.client import Kube
from task_gateway.model import TASK_LABEL, Manifest
from task_gateway.routing import objects
from task_gateway.routing.gateway import TaskGateway
from task_gateway.routing.gateway_api import GATEWAY, LISTENER_SET
from task_gateway.settings import TASK_EXPOSED
from task_gateway_lab.master import identity

TASKS, COUNT = "tasks", 3
OWN = 22000  # ports without slots
STRATEGIES = ("slots", "listeners")
ROLES = "rbac.authorization.k8s.io/v1"
SEEN_SECONDS = 3.0
SHORT = replace(TASK_EXPOSED, seconds=0.5)
POD: Manifest = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "one", "namespace": TASKS, "labels": {TASK_LABEL: "one"}},
    "spec": {"serviceAccountName": identity.NAME, "containers": [{"name": "task", "image": "task"}]},
}
JOB: Manifest = {
    "apiVersion": "batch/v1",
    "kind": "Job",
    "metadata": {"name": "one", "namespace": TASKS},
    "spec": {
        "template": {
            "metadata": {"labels": {TASK_LABEL: "one"}},
            "spec": {"restartPolicy": "Never", "containers": [{"name": "task", "image": "task"}]},
        }
    },
}


class Unseen(TaskGatewayError):
    """A watch did not deliver the writes of other clients."""


@dataclass(frozen=True)
class Less:
    """The chart's Roles without one verb; `name` is the namespace of the identity that has them."""

    name: str
    lacking: str
    roles: list[Manifest]


def taken_away(strategy: str) -> Iterator[Less]:
    """Yield the Roles unchanged, then once without each of their verbs."""
    values = {"slots": [{"namespace": TASKS, "start": SLOTS[0], "count": COUNT}], "rbac": {"strategies": [strategy]}}
    roles = rendered("gw", NAMESPACE, values, "role")
    yield Less(f"{strategy}-all", "nothing", roles)
    count = 0
    for place, role in enumerate(roles):
        for number, rule in enumerate(role["rules"]):
            for verb in rule["verbs"]:
                less = copy.deepcopy(roles)
                less[place]["rules"][number]["verbs"].remove(verb)
                less[place]["rules"] = [each for each in less[place]["rules"] if each["verbs"]]
                lacking = f"{verb} {','.join(rule['resources'])} in {role['metadata']['namespace']}"
                yield Less(f"{strategy}-{count}", lacking, less)
                count += 1


@pytest.fixture(scope="module")
def admin() -> Iterator[Kube]:
    with gateway_api("rbac", NAMESPACE, TASKS) as kube:
        values = {"slots": [{"namespace": TASKS, "start": SLOTS[0], "count": COUNT}]}
        apply_chart(kube, "gw", NAMESPACE, values, "gateway", "configmap", "listenersets", "services", "tcproutes")
        kube.create(identity.account(TASKS))
        kube.create(POD)
        kube.create(JOB)
        ready = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
        write_status(kube, "v1/Pod", "one", ready, TASKS)
        yield kube


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_no_verb_is_granted_that_no_step_needs(admin: Kube, strategy: str, tmp_path: Path) -> None:
    cases = list(taken_away(strategy))
    for case in cases:
        grant(admin, case)
    site = StrategySite(admin, SLOTS[0] if strategy == "slots" else OWN, COUNT + 1, TASKS)
    failed = {}
    for case in cases:
        kube = identity.act_as(admin, case.name, tmp_path / case.name)
        failed[case.lacking] = first_failure(site, kube, strategy)
    print("\n".join(f"without {lacking}: {step or 'nothing fails'}" for lacking, step in failed.items()))
    assert failed.pop("nothing") is None
    assert [lacking for lacking, step in failed.items() if step is None] == []


def grant(admin: Kube, case: Less) -> None:
    """Create an identity with those Roles, and return when the API server enforces them."""
    admin.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": case.name}})
    admin.create(identity.account(case.name))
    for role in case.roles:
        own = copy.deepcopy(role)
        own["metadata"] = {
            "name": f"{case.name}-{role['metadata']['name']}",
            "namespace": role["metadata"]["namespace"],
        }
        admin.create(own)
        reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": own["metadata"]["name"]}
        binding = {"apiVersion": ROLES, "kind": "RoleBinding", "metadata": own["metadata"], "roleRef": reference}
        admin.create(binding | {"subjects": [identity.subject(case.name)]})


def first_failure(site: StrategySite, kube: Kube, strategy: str) -> str | None:
    """Perform the actions of a resource manager; return the step that is forbidden, None if none is."""
    steps = dict(walk(site, kube, strategy))
    try:
        for name, step in steps.items():
            try:
                step()
            except (Forbidden, Unseen) as lack:
                return f"{name}: {lack}"
        return None
    finally:
        cleaned = TaskGateway(site.kube, site.gateway, TASKS, strategy)
        for task in ("one", "gone", "another"):
            cleaned.release(task)


def walk(site: StrategySite, kube: Kube, strategy: str) -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield the actions of a resource manager with a gateway."""
    mine = TaskGateway(kube, site.gateway, TASKS, strategy)
    others = TaskGateway(site.kube, site.gateway, TASKS, strategy)
    yield "name a task by its pod", lambda: objects.task_of(kube, TASKS, "pod/one", (8888,))
    yield "name a task by its Job", lambda: objects.task_of(kube, TASKS, "job/one", (8888,))
    yield "expose", lambda: mine.expose(site.task("one"))
    yield "list", lambda: mine.exposed(ready=True)
    yield "ports", mine.ports
    yield "name what is in the way", lambda: in_the_way(site, mine)
    yield "follow others", lambda: follow(site, kube, strategy, others)
    yield "release while another writes", lambda: release_meddled(site, kube, strategy)
    yield "expose a task without a pod", lambda: others.expose(site.task("gone"))
    yield "free what no task has", lambda: freed(mine)
    yield "repair", lambda: repaired(site, mine, strategy)


def release_meddled(site: StrategySite, kube: Kube, strategy: str) -> None:
    """Release a task whose Service another client writes between the read and the write."""
    meddled = Meddled(kube, site.kube)
    TaskGateway(meddled, site.gateway, TASKS, strategy).release("one")  # type: ignore[arg-type]
    assert meddled.done


class Meddled:
    """An API server on which another client writes an object just before its first patch arrives."""

    def __init__(self, kube: Kube, others: Kube) -> None:
        self._kube, self._others, self.done = kube, others, False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._kube, name)

    def patch(self, kind: str, name: str, namespace: str | None, body: Manifest, **how: Any) -> Manifest:
        if not self.done:
            self.done = True
            self._others.patch(kind, name, namespace, {"metadata": {"annotations": {"meddled": "yes"}}})
        return self._kube.patch(kind, name, namespace, body, **how)


def in_the_way(site: StrategySite, mine: TaskGateway) -> None:
    """Wait for a task whose Gateway and route are ready, and whose listener is not."""
    (exposure,) = mine.exposed()
    service = next(
        each
        for each in site.kube.list("v1/Service", TASKS)
        if any(port["port"] == exposure.address.port for port in each["spec"]["ports"])
    )["metadata"]["name"]
    programmed = {"type": "Programmed", "status": "True", "reason": "Test", "message": ""}
    moment = {"lastTransitionTime": "2026-01-01T00:00:00Z"}
    write_status(site.kube, GATEWAY, "gw", {"conditions": [programmed | moment]})
    route = site.kube.get(ROUTE, service, TASKS)
    accepted = {"type": "Accepted", "status": "True", "reason": "Accepted", "message": ""} | moment
    parent = {"parentRef": route["spec"]["parentRefs"][0], "controllerName": "a/b", "conditions": [accepted]}
    write_status(site.kube, ROUTE, service, {"parents": [parent]}, TASKS)
    endpoints = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": service, "namespace": TASKS, "labels": {"kubernetes.io/service-name": service}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": ["192.0.2.9"], "conditions": {"ready": True}}],
        "ports": [],
    }
    site.kube.apply(endpoints, field_manager="test")
    with pytest.raises(NotReachable) as way:
        mine.expose(site.task("one"), wait=SHORT)
    assert "Pod" not in str(way.value.where)


def follow(site: StrategySite, kube: Kube, strategy: str, others: TaskGateway) -> None:
    """Watch the tasks that others expose, and the listeners that they create."""
    with TaskGateway(kube, site.gateway, TASKS, strategy) as mine:
        before = mine.ports()
        others.expose(site.task("another"))
        eventually(lambda: "another" in {each.task_id for each in mine.exposed()}, "another's task")
        others.release("another")
        eventually(lambda: "another" not in {each.task_id for each in mine.exposed()}, "the end of another's task")
        for change, undo in foreign(site):
            change()
            try:
                eventually(lambda: mine.ports().foreign > before.foreign, "another's listener")
            finally:
                undo()
            eventually(lambda: mine.ports().foreign == before.foreign, "the end of another's listener")


def foreign(site: StrategySite) -> Iterator[tuple[Callable[[], object], Callable[[], object]]]:
    """Yield a foreign listener on a port of the range, on the Gateway and in a ListenerSet."""
    port = site.first + COUNT  # in the range, without a slot
    listener = {"name": "others", "port": port, "protocol": "TCP"}
    own = site.kube.get(GATEWAY, "gw", NAMESPACE)["spec"]["listeners"]
    yield (
        lambda: site.kube.patch(GATEWAY, "gw", NAMESPACE, {"spec": {"listeners": [*own, listener]}}),
        lambda: site.kube.patch(GATEWAY, "gw", NAMESPACE, {"spec": {"listeners": own}}),
    )
    listeners = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "ListenerSet",
        "metadata": {"name": "others", "namespace": NAMESPACE},
        "spec": {"parentRef": {"kind": "Gateway", "name": "gw"}, "listeners": [listener]},
    }
    yield lambda: site.kube.create(listeners), lambda: site.kube.delete(LISTENER_SET, "others", NAMESPACE)


def freed(mine: TaskGateway) -> None:
    repairs = mine.reconcile(dry_run=False, grace_seconds=0)
    assert [each for each in repairs if each.task_id == "gone"]
    lacking = [each for each in repairs if not each.done]
    if lacking:
        raise Unseen(f"{lacking[0].object} could not be repaired")


def repaired(site: StrategySite, mine: TaskGateway, strategy: str) -> None:
    """Restore the missing route of a task."""
    if strategy == "slots":
        return
    mine.expose(site.task("one"))
    for route in site.kube.list(ROUTE, TASKS, f"{TASK_LABEL}=one"):
        site.kube.delete(ROUTE, route["metadata"]["name"], TASKS)
    repairs = mine.reconcile(dry_run=False, grace_seconds=0)
    if not repairs or not all(each.done for each in repairs):
        raise Unseen(f"{repairs} is not all that is to be done")
    mine.release("one")


def eventually(so: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + SEEN_SECONDS
    while not so():
        if time.monotonic() > deadline:
            raise Unseen(f"{what} was not seen")
        time.sleep(0.05)
