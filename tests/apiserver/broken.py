"""A gateway without a controller: the statuses of a controller are written here, for working and broken states."""

import copy
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.apiserver import planes
from tests.preflight import DEPLOYMENT, NAMESPACE, SERVICE, Break, Preflight

from task_gateway.checks import gateway as gateway_checks
from task_gateway.checks import routing
from task_gateway.controllers.base import default
from task_gateway.crds import limit_status, schema
from task_gateway.crds.ports_policy import POLICY
from task_gateway.kube.client import Kube
from task_gateway.kube.kinds import POD
from task_gateway.kube.pods import KUBE_PROXY, SYSTEM_NAMESPACE
from task_gateway.model import TASK_LABEL, Manifest, Task
from task_gateway.polling import attempts
from task_gateway.routing import names
from task_gateway.routing.gateway_api import GATEWAY, GATEWAY_CLASS, LISTENER_SET, ROUTES
from task_gateway.routing.reach import Answer
from task_gateway.routing.strategies.slots import Slots
from task_gateway.settings import Wait

RELEASE, COUNT = "itg", 6
DISCOVERED = Wait("discovered", "discovery, which has no watch, follows a changed CRD", 60)
ROUTE = ROUTES[0]
RESTRICTED = {"allowPrivilegeEscalation": False, "runAsNonRoot": True, "capabilities": {"drop": ["ALL"]}}


def rendered(parts: tuple[str, ...], start: int, placeholder: int = 1024, **values: Manifest) -> list[Manifest]:
    given = {"slots": [{"start": start, "count": COUNT}], "gateway": {"placeholderPort": placeholder}, **values}
    return planes.rendered(RELEASE, NAMESPACE, given, *parts)


def deployment(kube: Kube, name: str, labels: dict[str, str], image: str) -> None:
    container = {"name": name, "image": image, "securityContext": RESTRICTED}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
    meta = {"name": name, "namespace": NAMESPACE, "labels": labels}
    kube.create({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec})
    write_status(kube, DEPLOYMENT, name, available(1))


def available(number: int) -> Manifest:
    return {each: number for each in ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas") if number}


def write_status(kube: Kube, kind: str, name: str, status: Manifest, namespace: str = NAMESPACE) -> None:
    """Write a status, as a controller would."""
    place = None if kind in (GATEWAY_CLASS, "v1/Node") else namespace
    kube.replace(kube.get(kind, name, place) | {"status": status}, subresource="status")


def make_condition(type: str, generation: int, status: str = "True") -> Manifest:
    return {
        "type": type, "status": status, "reason": "Test", "message": f"said of {type}",
        "lastTransitionTime": "2026-01-01T00:00:00Z", "observedGeneration": generation,
    }  # fmt: skip


def parent_status(parent: Manifest, **states: str) -> Manifest:
    """Return the status of a Gateway or ListenerSet whose listeners all work; `states` are other conditions."""
    generation = parent["metadata"]["generation"]
    kinds = [{"group": "gateway.networking.k8s.io", "kind": "TCPRoute"}]
    listeners = [
        {
            "name": each["name"],
            "attachedRoutes": 1,
            "supportedKinds": kinds,
            "conditions": [make_condition("Programmed", generation)],
        }
        for each in parent["spec"]["listeners"]
    ]
    wanted = {"Accepted": "True", "Programmed": "True"} | states
    conditions = [make_condition(type, generation, status) for type, status in wanted.items()]
    addresses = [{"type": "IPAddress", "value": "127.0.0.1"}]
    own = {"addresses": addresses} if parent["kind"] == "Gateway" else {}
    return {"conditions": conditions, "listeners": listeners, **own}


def all_runs(kube: Kube, first_port: int) -> None:
    """Create the objects of a healthy cluster and controller: a node, the controller, the proxy, and statuses."""
    kube.create({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "one"}})
    write_status(kube, "v1/Node", "one", {"conditions": [{"type": "Ready", "status": "True"}]})
    kube.create(kube_proxy("one"))
    write_status(kube, POD, "kube-proxy-one", kube_proxy_status(ready=True), SYSTEM_NAMESPACE)
    proxies = default().proxies(RELEASE, NAMESPACE)
    owned = dict(each.split("=") for each in proxies.split(","))
    deployment(kube, "envoy-gateway", {"control-plane": "envoy-gateway"}, "docker.io/envoyproxy/gateway:v1.9.1")
    deployment(kube, "envoy", owned, "docker.io/envoyproxy/envoy:distroless-v1.39.1")
    ports = {"type": "LoadBalancer", "allocateLoadBalancerNodePorts": False, "ports": [{"port": first_port}]}
    meta = {"name": "envoy", "namespace": NAMESPACE, "labels": owned}
    kube.create({"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": ports})
    controller_speaks(kube)


def kube_proxy(node: str) -> Manifest:
    """Return the pod of kube-proxy on a node, like that of its DaemonSet."""
    labels = dict([KUBE_PROXY.split("=")])
    meta = {"name": f"kube-proxy-{node}", "namespace": SYSTEM_NAMESPACE, "labels": labels}
    container = {"name": "kube-proxy", "image": "registry.k8s.io/kube-proxy:v1"}
    spec = {"nodeName": node, "containers": [container], "terminationGracePeriodSeconds": 0}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}


def kube_proxy_status(*, ready: bool) -> Manifest:
    """Return the status that a kubelet writes for kube-proxy: it runs, or it keeps crashing."""
    ended = {"exitCode": 1, "reason": "Error", "message": "failed complete: too many open files"}
    crashed = {"state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": {"terminated": ended}}
    image = {"image": "registry.k8s.io/kube-proxy:v1", "imageID": "sha256:1"}
    container = {"name": "kube-proxy", "ready": ready, "restartCount": 4, **image}
    container |= {"state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}}} if ready else crashed
    return {
        "phase": "Running",
        "conditions": [{"type": "Ready", "status": str(ready)}],
        "containerStatuses": [container],
    }


@contextmanager
def kube_proxy_down(preflight: Preflight) -> Iterator[None]:
    write_status(preflight.kube, POD, "kube-proxy-one", kube_proxy_status(ready=False), SYSTEM_NAMESPACE)
    try:
        yield
    finally:
        write_status(preflight.kube, POD, "kube-proxy-one", kube_proxy_status(ready=True), SYSTEM_NAMESPACE)


def controller_speaks(kube: Kube) -> None:
    """Write the statuses of a working controller to all objects."""
    (found,) = kube.list(GATEWAY_CLASS)
    write_status(kube, GATEWAY_CLASS, found["metadata"]["name"], {"conditions": [make_condition("Accepted", 1)]})
    for kind in (GATEWAY, LISTENER_SET):
        for parent in kube.list(kind, NAMESPACE):
            write_status(kube, kind, parent["metadata"]["name"], parent_status(parent))
    for route in kube.list(ROUTE, NAMESPACE):
        generation = route["metadata"]["generation"]
        controller = "gateway.envoyproxy.io/gatewayclass-controller"
        reference = route["spec"]["parentRefs"][0]
        parent = {
            "parentRef": reference,
            "controllerName": controller,
            "conditions": [make_condition("Accepted", generation)],
        }
        write_status(kube, ROUTE, route["metadata"]["name"], {"parents": [parent]})


@contextmanager
def changed_status(preflight: Preflight, kind: str, name: str, status: Manifest) -> Iterator[None]:
    """Write another status for the context, as a controller would."""
    before = preflight.kube.get(kind, name, None if kind == GATEWAY_CLASS else NAMESPACE)["status"]
    write_status(preflight.kube, kind, name, status)
    try:
        yield
    finally:
        write_status(preflight.kube, kind, name, before)


@contextmanager
def not_served(preflight: Preflight, crd: str, kind: str) -> Iterator[None]:
    before = preflight.kube.get(schema.KIND, crd)
    changed = copy.deepcopy(before)
    for version in changed["spec"]["versions"]:
        version["served"] = False
    preflight.kube.replace(changed)
    try:
        wait_until_served(preflight, kind, served=False)
        yield
    finally:
        now = preflight.kube.get(schema.KIND, crd)
        preflight.kube.replace(before | {"metadata": before["metadata"] | {"resourceVersion": version_of(now)}})
        wait_until_served(preflight, kind)


def wait_until_served(preflight: Preflight, kind: str, *, served: bool = True) -> None:
    for _ in attempts(DISCOVERED):
        if Kube(preflight.kube.cluster).served(kind) == served:
            return
    raise DISCOVERED.timed_out(f"{kind} {'is not' if served else 'is'} served")


def version_of(obj: Manifest) -> str:
    version: str = obj["metadata"]["resourceVersion"]
    return version


def routes_not_served(preflight: Preflight) -> AbstractContextManager[None]:
    return not_served(preflight, "tcproutes.gateway.networking.k8s.io", ROUTE)


def sets_not_served(preflight: Preflight) -> AbstractContextManager[None]:
    return not_served(preflight, schema.LISTENER_SETS, LISTENER_SET)


@contextmanager
def old_kubernetes(preflight: Preflight) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Kube, "version", lambda _: "v1.32.9")
        yield


@contextmanager
def unguarded(preflight: Preflight) -> Iterator[None]:
    policy = preflight.kube.get(POLICY, limit_status.SAFE_UPGRADES)
    preflight.kube.delete(POLICY, limit_status.SAFE_UPGRADES)
    try:
        yield
    finally:
        preflight.kube.create({**policy, "metadata": {"name": limit_status.SAFE_UPGRADES}})


def class_refused(preflight: Preflight) -> AbstractContextManager[None]:
    return changed_status(
        preflight, GATEWAY_CLASS, f"{RELEASE}.{NAMESPACE}", {"conditions": [make_condition("Accepted", 1, "False")]}
    )


def old_controller(preflight: Preflight) -> AbstractContextManager[None]:
    def image(tag: str) -> list[Manifest]:
        return [{"op": "replace", "path": IMAGE, "value": f"docker.io/envoyproxy/gateway:{tag}"}]

    return json_patched(preflight, "envoy-gateway", image("v1.4.0"), image("v1.9.1"))


IMAGE = "/spec/template/spec/containers/0/image"
SECURITY = "/spec/template/spec/containers/0/securityContext/allowPrivilegeEscalation"


@contextmanager
def json_patched(preflight: Preflight, name: str, change: list[Manifest], undo: list[Manifest]) -> Iterator[None]:
    def write(operations: list[Manifest]) -> None:
        found = preflight.kube.get(DEPLOYMENT, name, NAMESPACE)
        for operation in operations:
            *path, key = operation["path"].strip("/").split("/")
            at: Any = found
            for part in path:
                at = at[int(part) if part.isdigit() else part]
            at[key] = operation["value"]
        preflight.kube.replace(found)

    write(change)
    try:
        yield
    finally:
        write(undo)


def privileged_proxy(preflight: Preflight) -> AbstractContextManager[None]:
    def escalation(value: bool) -> list[Manifest]:
        return [{"op": "replace", "path": SECURITY, "value": value}]

    return json_patched(preflight, "envoy", escalation(True), escalation(False))


def gateway_says(**states: str) -> Break:
    def act(preflight: Preflight) -> AbstractContextManager[None]:
        found = preflight.kube.get(GATEWAY, RELEASE, NAMESPACE)
        return changed_status(preflight, GATEWAY, RELEASE, parent_status(found, **states))

    return act


@contextmanager
def status_of_before(preflight: Preflight) -> Iterator[None]:
    before = preflight.kube.get(GATEWAY, RELEASE, NAMESPACE)["spec"]
    own = [*before["listeners"], {"name": "later", "port": 1026, "protocol": "TCP"}]
    with preflight.patched(
        GATEWAY, RELEASE, {"spec": {"listeners": own}}, {"spec": {"listeners": before["listeners"]}}, NAMESPACE
    ):
        yield
    controller_speaks(preflight.kube)


def proxy_down(preflight: Preflight) -> AbstractContextManager[None]:
    return changed_status(preflight, DEPLOYMENT, "envoy", available(0))


@contextmanager
def open_to_all(preflight: Preflight) -> Iterator[None]:
    address = "8.8.8.8"
    found = preflight.kube.get(GATEWAY, RELEASE, NAMESPACE)
    status = parent_status(found) | {"addresses": [{"type": "IPAddress", "value": address}]}
    preflight.keys = {"gateway_ip": address}
    with changed_status(preflight, GATEWAY, RELEASE, status), pytest.MonkeyPatch.context() as patch:
        patch.setattr(gateway_checks, "probe", lambda _: Answer.CLOSED)  # nothing is sent to the real one
        yield


@contextmanager
def no_rights(preflight: Preflight) -> Iterator[None]:
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "nobody", "namespace": NAMESPACE}}
    with preflight.made(account):
        preflight.acting({"token": preflight.kube.token("nobody", NAMESPACE)}, "nobody")
        yield


@contextmanager
def login_refused(preflight: Preflight) -> Iterator[None]:
    preflight.acting({"token": "nobody-knows-this-token"}, "refused")
    yield


@contextmanager
def one_claimed(preflight: Preflight) -> Iterator[str]:
    slots = Slots(preflight.kube, preflight.gateway, NAMESPACE)
    slots.expose(Task("gone", NAMESPACE, (8080,)))
    try:
        yield f"{RELEASE}-slot-{slots.exposed()[0].port}"
    finally:
        slots.release("gone")


@contextmanager
def leaked_claim(preflight: Preflight) -> Iterator[None]:
    with one_claimed(preflight) as service:
        long_ago = (datetime.now(UTC) - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        notes = {"metadata": {"annotations": {names.CLAIMED_AT: long_ago}}}
        preflight.kube.patch(SERVICE, service, NAMESPACE, notes)
        yield


@contextmanager
def leaked_service(preflight: Preflight) -> Iterator[None]:
    labels = {names.GATEWAY_LABEL: RELEASE, names.GATEWAY_NAMESPACE_LABEL: NAMESPACE, TASK_LABEL: "gone"}
    meta = {"name": "gone", "namespace": NAMESPACE, "labels": labels}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": {"ports": [{"port": 20100}]}}
    with preflight.made(service), pytest.MonkeyPatch.context() as patch:
        patch.setattr(routing, "GRACE", timedelta(0))  # only the API server sets creation times
        yield


@contextmanager
def selector_changed(preflight: Preflight) -> Iterator[None]:
    with one_claimed(preflight) as service:
        changed, undo = ({"spec": {"selector": {"app": value}}} for value in ("somebody-elses", None))
        with preflight.patched(SERVICE, service, changed, undo, NAMESPACE):
            yield
