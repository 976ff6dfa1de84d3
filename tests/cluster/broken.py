"""Reversible faults of an installed gateway, for the tests of `task-gateway check`."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import yaml
from tests.cluster.conftest import COUNT, GATEWAY, NAMESPACE, RELEASE, START
from tests.preflight import DEPLOYMENT, SERVICE, Preflight

from task_gateway.controllers.base import default
from task_gateway.crds import schema
from task_gateway.kube.wait import condition, wait_for
from task_gateway.model import TASK_LABEL, Manifest, Task
from task_gateway.routing import names
from task_gateway.routing.gateway_api import GATEWAY_CLASS, LISTENER_SET
from task_gateway.routing.strategies.slots import Slots
from task_gateway.routing.templates import VERSION
from task_gateway.settings import GATEWAY_PROGRAMMED, Wait

ROUTE = "gateway.networking.k8s.io/v1/TCPRoute"
MADE_BY = default()
READINESS_POLICY = MADE_BY.readiness_policy
SEEN = Wait("seen", "the controller has seen the change", 120)


def gateway(name: str, port: int, gateway_class: str = f"{RELEASE}.{NAMESPACE}", **spec: Any) -> Manifest:
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "Gateway",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "gatewayClassName": gateway_class,
            "listeners": [{"name": "own", "port": port, "protocol": "TCP"}],
            **spec,
        },
    }


@contextmanager
def other_gateway(preflight: Preflight, obj: Manifest, first: int, last: int, **keys: Any) -> Iterator[None]:
    """A Gateway that the chart did not create, with the policy that the chart creates for its own."""
    name = obj["metadata"]["name"]
    preflight.keys = {"gateway_name": name, "gateway_port_range_start": first, "gateway_port_range_end": last, **keys}
    policy = preflight.kube.get(READINESS_POLICY, RELEASE, NAMESPACE)
    target = policy["spec"]["targetRefs"][0] | {"name": name}
    own = {
        "apiVersion": policy["apiVersion"],
        "kind": policy["kind"],
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": policy["spec"] | {"targetRefs": [target]},
    }
    with preflight.made(obj), preflight.made(own):
        yield


def listener_set(name: str, port: int) -> Manifest:
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "ListenerSet",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"parentRef": {"name": RELEASE}, "listeners": [{"name": "theirs", "port": port, "protocol": "TCP"}]},
    }


def reported(kind: str, name: str, preflight: Preflight, type: str, status: str) -> None:
    """Wait until the controller reports this condition."""
    wait_for(preflight.kube, SEEN, kind, name, NAMESPACE if kind != GATEWAY_CLASS else None, condition(type, status))


def proxy_available(preflight: Preflight, gateway: str) -> None:
    """Wait until a Gateway's proxy has an available pod."""
    for _, proxy in preflight.kube.watch(DEPLOYMENT, labels=MADE_BY.proxies(gateway, NAMESPACE), seconds=SEEN.seconds):
        if (proxy.get("status") or {}).get("availableReplicas"):
            return
    raise SEEN.timed_out("no pod of the proxy is available", gateway)


@contextmanager
def api_server_away(preflight: Preflight) -> Iterator[None]:
    content = yaml.safe_load(preflight.kube.cluster.kubeconfig.read_text())
    content["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    preflight.kubeconfig = preflight.folder / "away"
    preflight.kubeconfig.write_text(yaml.safe_dump(content))
    yield


def node_not_ready(preflight: Preflight) -> AbstractContextManager[object]:
    return preflight.made({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "ghost"}})


@contextmanager
def changed_crd(preflight: Preflight, change: Callable[[Manifest], Manifest]) -> Iterator[None]:
    before = preflight.kube.get(schema.KIND, schema.GATEWAYS)
    preflight.kube.replace(change(before))
    try:
        yield
    finally:
        now = preflight.kube.get(schema.KIND, schema.GATEWAYS)
        before["metadata"]["resourceVersion"] = now["metadata"]["resourceVersion"]
        preflight.kube.replace(before)


def spec_alone_raised(preflight: Preflight) -> AbstractContextManager[object]:
    return changed_crd(preflight, lambda crd: schema.with_max_items(crd, schema.SPEC_LISTENERS, 128))


def rules_dropped(preflight: Preflight) -> AbstractContextManager[object]:
    return changed_crd(preflight, lambda crd: schema.without_rules(crd, schema.SPEC_LISTENERS, schema.is_quadratic))


def older_bundle(preflight: Preflight) -> AbstractContextManager[object]:
    version = preflight.kube.get(schema.KIND, schema.GATEWAYS)["metadata"]["annotations"][schema.BUNDLE_VERSION]

    def notes(value: str) -> Manifest:
        return {"metadata": {"annotations": {schema.BUNDLE_VERSION: value}}}

    return preflight.patched(schema.KIND, schema.GATEWAYS, notes("v1.5.0"), notes(version), None)


@contextmanager
def scaled_to_zero(preflight: Preflight) -> Iterator[None]:
    def replicas(obj: Manifest | None, wanted: int) -> str | None:
        found = ((obj or {}).get("status") or {}).get("availableReplicas", 0)
        return None if found == wanted else f"{found} replicas are available"

    name = "envoy-gateway"
    preflight.kube.patch(DEPLOYMENT, name, NAMESPACE, {"spec": {"replicas": 0}})
    try:
        wait_for(preflight.kube, SEEN, DEPLOYMENT, name, NAMESPACE, lambda obj: replicas(obj, 0))
        yield
    finally:
        preflight.kube.patch(DEPLOYMENT, name, NAMESPACE, {"spec": {"replicas": 1}})
        wait_for(preflight.kube, SEEN, DEPLOYMENT, name, NAMESPACE, lambda obj: replicas(obj, 1))


def class_missing(preflight: Preflight) -> AbstractContextManager[object]:
    return other_gateway(preflight, gateway("no-class", 1100, "nowhere"), 21000, 21005)


@contextmanager
def class_refused(preflight: Preflight) -> Iterator[None]:
    parameters = {"group": "gateway.envoyproxy.io", "kind": "EnvoyProxy", "name": "none", "namespace": NAMESPACE}
    bad = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "GatewayClass",
        "metadata": {"name": "bad"},
        "spec": {"controllerName": "gateway.envoyproxy.io/gatewayclass-controller", "parametersRef": parameters},
    }
    with preflight.made(bad), other_gateway(preflight, gateway("bad-class", 1100, "bad"), 21000, 21005):
        reported(GATEWAY_CLASS, "bad", preflight, "Accepted", "False")
        yield


@contextmanager
def no_address(preflight: Preflight) -> Iterator[None]:
    with other_gateway(preflight, gateway("no-address", 1100), 21000, 21005):
        proxy_available(preflight, "no-address")
        reported(GATEWAY, "no-address", preflight, "Programmed", "False")
        yield


@contextmanager
def with_address(preflight: Preflight, address: str, first: int, last: int) -> Iterator[None]:
    own = gateway("other", 1100, addresses=[{"type": "IPAddress", "value": address}])
    with other_gateway(preflight, own, first, last, gateway_ip=address):
        wait_for(preflight.kube, GATEWAY_PROGRAMMED, GATEWAY, "other", NAMESPACE, condition("Programmed"))
        yield


def nobody_answers(preflight: Preflight) -> AbstractContextManager[object]:
    return with_address(preflight, "192.0.2.1", 21000, 21005)


def range_of_the_controller(preflight: Preflight) -> AbstractContextManager[object]:
    return with_address(preflight, preflight.gateway.gateway_ip, 18999, 19008)


@contextmanager
def node_ports(preflight: Preflight) -> Iterator[None]:
    """Set the parameters of the class, because the controller reverts changes of the Service."""
    (service,) = preflight.kube.list(SERVICE, None, MADE_BY.proxies(RELEASE, NAMESPACE))

    def allocates(wanted: bool) -> None:
        own = {"envoyService": {"allocateLoadBalancerNodePorts": wanted}}
        body = {"spec": {"provider": {"kubernetes": own}}}
        preflight.kube.patch("gateway.envoyproxy.io/v1alpha1/EnvoyProxy", RELEASE, NAMESPACE, body)
        meta = service["metadata"]
        wait_for(preflight.kube, SEEN, SERVICE, meta["name"], meta["namespace"], lambda obj: said(obj, wanted))

    def said(obj: Manifest | None, wanted: bool) -> str | None:
        found = (obj or {"spec": {}})["spec"].get("allocateLoadBalancerNodePorts")
        return None if found is wanted else f"allocateLoadBalancerNodePorts is {found}"

    allocates(True)
    try:
        yield
    finally:
        allocates(False)


@contextmanager
def listener_conflicts(preflight: Preflight) -> Iterator[None]:
    with preflight.made(listener_set("clash", 1024)):
        wait_for(preflight.kube, SEEN, LISTENER_SET, "clash", NAMESPACE, _has_status)
        yield


def _has_status(obj: Manifest | None) -> str | None:
    return None if ((obj or {}).get("status") or {}).get("listeners") else "no listener is reported"


@contextmanager
def foreign_in_range(preflight: Preflight) -> Iterator[None]:
    preflight.keys = {"gateway_port_range_end": START + COUNT}
    with preflight.made(listener_set("foreign", START + COUNT)):
        wait_for(preflight.kube, SEEN, LISTENER_SET, "foreign", NAMESPACE, _has_status)
        yield


def rival_service(preflight: Preflight) -> AbstractContextManager[object]:
    """Create a foreign Service with the last port of the range, at the gateway's address."""
    address = preflight.kube.get(GATEWAY, RELEASE, NAMESPACE)["status"]["addresses"][0]["value"]
    spec = {"externalIPs": [address], "ports": [{"port": START + COUNT - 1}]}
    metadata = {"name": "rival", "namespace": "default"}
    return preflight.made({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec})


def panic_allowed(preflight: Preflight) -> AbstractContextManager[object]:
    """Envoy may connect to endpoints that are not ready: 50 is its default."""
    closed, default_threshold = ({"spec": {"healthCheck": {"panicThreshold": each}}} for each in (0, 50))
    return preflight.patched(READINESS_POLICY, RELEASE, default_threshold, closed)


def other_templates(preflight: Preflight) -> AbstractContextManager[object]:
    name = names.templates(RELEASE)
    return preflight.patched("v1/ConfigMap", name, {"data": {"version": "0"}}, {"data": {"version": VERSION}})


@contextmanager
def claimed(preflight: Preflight, count: int) -> Iterator[Slots]:
    slots = Slots(preflight.kube, preflight.gateway, NAMESPACE)
    for index in range(count):
        slots.expose(Task(f"check-{index}", NAMESPACE, (8080,)))
    try:
        yield slots
    finally:
        for index in range(count):
            slots.release(f"check-{index}")


@contextmanager
def nearly_full(preflight: Preflight) -> Iterator[None]:
    with claimed(preflight, COUNT):
        yield


@contextmanager
def route_deleted(preflight: Preflight) -> Iterator[None]:
    name = f"{RELEASE}-slot-{START}"
    route = preflight.kube.get(ROUTE, name, NAMESPACE)
    preflight.kube.delete(ROUTE, name, NAMESPACE)
    try:
        yield
    finally:
        _made_again(preflight, route)


def _made_again(preflight: Preflight, route: Manifest) -> None:
    """Create a route again. Changing it back would keep the status entry of its other parent."""
    kept = {key: route["metadata"][key] for key in ("name", "namespace", "labels", "annotations")}
    preflight.kube.create(route | {"metadata": kept, "status": None})
    wait_for(preflight.kube, SEEN, ROUTE, kept["name"], NAMESPACE, _accepted)


def _accepted(route: Manifest | None) -> str | None:
    """The controller accepts the parent that the route names; it keeps its entries for other parents."""
    wanted = ((route or {}).get("spec") or {}).get("parentRefs")
    parents = [
        each for each in ((route or {}).get("status") or {}).get("parents") or [] if [each["parentRef"]] == wanted
    ]
    states = {each["status"] for parent in parents for each in parent["conditions"] if each["type"] == "Accepted"}
    return None if states == {"True"} else f"Accepted is {states}"


@contextmanager
def route_refused(preflight: Preflight) -> Iterator[None]:
    name = f"{RELEASE}-slot-{START}"
    route = preflight.kube.get(ROUTE, name, NAMESPACE)
    wrong = [route["spec"]["parentRefs"][0] | {"sectionName": "no-such-listener"}]
    preflight.kube.patch(ROUTE, name, NAMESPACE, {"spec": {"parentRefs": wrong}})
    try:
        wait_for(preflight.kube, SEEN, ROUTE, name, NAMESPACE, lambda obj: None if _accepted(obj) else "still accepted")
        yield
    finally:
        preflight.kube.delete(ROUTE, name, NAMESPACE)
        _made_again(preflight, route)


@contextmanager
def pod_not_ready(preflight: Preflight) -> Iterator[None]:
    meta = {"name": "check-0", "namespace": NAMESPACE, "labels": {TASK_LABEL: "check-0"}}
    container = {"name": "task", "image": "no-such-image:none", "imagePullPolicy": "Never"}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {"containers": [container]}}
    with preflight.made(pod), claimed(preflight, 1):
        yield


def too_many_may_start(preflight: Preflight) -> AbstractContextManager[object]:
    preflight.pools = 100
    return nullcontext()


@contextmanager
def rights_missing(preflight: Preflight) -> Iterator[None]:
    subject = {"kind": "ServiceAccount", "name": "reader", "namespace": NAMESPACE}
    rules = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"]}]
    group = "rbac.authorization.k8s.io"
    role_ref = {"apiGroup": group, "kind": "ClusterRole", "name": "check-reader"}
    objects: list[Manifest] = [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "reader", "namespace": NAMESPACE}},
        {"apiVersion": f"{group}/v1", "kind": "ClusterRole", "metadata": {"name": "check-reader"}, "rules": rules},
        {
            "apiVersion": f"{group}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": "check-reader"},
            "roleRef": role_ref,
            "subjects": [subject],
        },
    ]
    with preflight.made(*objects):
        preflight.acting({"token": preflight.kube.token("reader", NAMESPACE)}, "reader")
        yield


def routes_of_all_namespaces(preflight: Preflight) -> AbstractContextManager[object]:
    before = preflight.kube.get(GATEWAY, RELEASE, NAMESPACE)["spec"]["listeners"]
    opened = json.loads(json.dumps(before))
    opened[0]["allowedRoutes"]["namespaces"]["from"] = "All"
    return preflight.patched(GATEWAY, RELEASE, {"spec": {"listeners": opened}}, {"spec": {"listeners": before}})
