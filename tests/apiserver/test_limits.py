"""Each limit on a real API server: how it is read, and how it changes the capacity. No controller runs here."""

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.apiserver.planes import apply_chart, gateway_api, rendered

from task_gateway.crds import schema
from task_gateway.errors import UsageError
from task_gateway.inventory.snapshot import GatewaySnapshot
from task_gateway.inventory.target import GatewayTarget, targets
from task_gateway.kube.client import Kube
from task_gateway.limits import capacity
from task_gateway.model import (
    InternalTaskGateway,
    Limit,
    ManagerLimits,
    Manifest,
    MasterConfig,
    ResourceManager,
    ResourcePool,
    Task,
)
from task_gateway.routing.gateway_api import GATEWAY, GATEWAY_CLASS
from task_gateway.routing.strategies.slots import Slots

NAMESPACE, START, COUNT = "gateways", 20000, 70
OBJECTS = ("gateway", "gatewayclass", "listenersets", "services", "configmap")


@pytest.fixture(scope="module")
def kube() -> Iterator[Kube]:
    """A separate control plane with the CRDs of Gateway API and all objects of the chart except the controller."""
    with gateway_api("limits", NAMESPACE) as kube:
        apply_chart(kube, "itg", NAMESPACE, {"slots": [{"start": START, "count": COUNT}]}, *OBJECTS)
        yield kube


Assess = Callable[..., ManagerLimits]


@pytest.fixture
def assess(kube: Kube) -> Assess:
    """Return the limits of a port range with a strategy."""

    def look(first: int = START, last: int = START + 99, strategy: str | None = None, **manager: Any) -> ManagerLimits:
        gateway = InternalTaskGateway("itg", NAMESPACE, "192.0.2.7", first, last)
        made = ResourceManager("east", "east", internal_task_gateway=gateway, **manager)
        return capacity.assess_target(GatewayTarget(made, kube), strategy)

    return look


@pytest.fixture
def kept(kube: Kube) -> Iterator[Callable[[str, str, str | None], Manifest]]:
    """Read an object that the test changes, and restore it."""
    before: list[Manifest] = []

    def keep(kind: str, name: str, namespace: str | None = NAMESPACE) -> Manifest:
        obj = kube.get(kind, name, namespace)
        before.append(copy.deepcopy(obj))
        return obj

    yield keep
    for obj in before:
        kind = f"{obj['apiVersion']}/{obj['kind']}"
        now = kube.get(kind, obj["metadata"]["name"], obj["metadata"].get("namespace"))
        obj["metadata"]["resourceVersion"] = now["metadata"]["resourceVersion"]
        kube.replace(obj)


@pytest.fixture
def made(kube: Kube) -> Iterator[Callable[[Manifest], Manifest]]:
    """Create objects that are removed again."""
    objects: list[Manifest] = []

    def make(obj: Manifest) -> Manifest:
        objects.append(kube.create(obj))
        return objects[-1]

    yield make
    for obj in objects:
        kube.delete(f"{obj['apiVersion']}/{obj['kind']}", obj["metadata"]["name"], obj["metadata"].get("namespace"))


def one(seen: ManagerLimits, id: str) -> Limit:
    return next(each for each in seen.limits if each.id == id)


def listener(port: int, name: str = "") -> Manifest:
    return {"name": name or f"task-{port}", "port": port, "protocol": "TCP"}


def test_slots_bind_below_the_range_and_the_range_below_the_slots(assess: Assess) -> None:
    wide = assess()
    assert (wide.strategy, wide.capacity, wide.binding, wide.headroom) == ("slots", COUNT, "slots", COUNT)
    assert one(wide, "slots").description == "slots installed in the port range (70 free)"
    narrow = assess(last=START + 4)
    assert (narrow.capacity, one(narrow, "slots").value) == (5, 5)
    assert one(narrow, "slots").description.endswith("(5 free, 65 more outside the range)")


def test_a_claim_is_active_and_leaves_the_capacity_alone(kube: Kube, assess: Assess) -> None:
    gateway = InternalTaskGateway("itg", NAMESPACE, "192.0.2.7", START, START + 99)
    slots = Slots(kube, gateway, NAMESPACE)
    slots.expose(Task("one", NAMESPACE, (8888,)))
    try:
        seen = assess()
        assert (seen.capacity, seen.active, seen.headroom) == (COUNT, 1, COUNT - 1)
        assert assess(first=START + 50).active == 0
    finally:
        slots.release("one")


def test_the_crd_binds_listeners_less_the_placeholder(assess: Assess) -> None:
    seen = assess(first=21000, last=21999, strategy="listeners")
    assert (seen.capacity, seen.binding) == (63, "crd-spec-max-items")
    assert one(seen, "crd-spec-max-items").value == one(seen, "crd-status-max-items").value == 64
    assert (one(seen, "cel-static-cost").value, one(seen, "cel-static-cost").found) == (213, "probed")
    assert one(seen, "cel-static-cost").tasks == 212
    assert [each.tasks for each in seen.limits if each.tasks is not None] == sorted(
        each.tasks for each in seen.limits if each.tasks is not None
    )


def test_the_status_binds_when_the_spec_alone_is_raised(kube: Kube, assess: Assess, kept: Any) -> None:
    crd = kept(schema.KIND, schema.GATEWAYS, None)
    kube.replace(schema.with_max_items(crd, schema.SPEC_LISTENERS, 200))
    seen = assess(first=21000, last=21999, strategy="listeners")
    assert (seen.capacity, seen.binding, one(seen, "crd-spec-max-items").value) == (63, "crd-status-max-items", 200)


def test_a_served_version_that_differs_counts_with_its_least(kube: Kube, assess: Assess, kept: Any) -> None:
    crd = kept(schema.KIND, schema.GATEWAYS, None)
    changed = schema.with_max_items(crd, schema.SPEC_LISTENERS, 100)
    older = next(each for each in changed["spec"]["versions"] if each["name"] == "v1beta1")
    older["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["listeners"]["maxItems"] = 32
    kube.replace(changed)
    seen = one(assess(strategy="listeners"), "crd-spec-max-items")
    assert (seen.value, seen.tasks) == (32, 31)
    assert "v1: 100, v1beta1: 32" in seen.description


def test_listeners_are_bound_by_the_range_less_what_slots_and_others_hold(
    assess: Assess, kube: Kube, kept: Any
) -> None:
    seen = assess(strategy="listeners")
    assert (seen.capacity, seen.binding) == (30, "port-range")
    gateway = kept(GATEWAY, "itg")
    gateway["spec"]["listeners"].append(listener(START + 80, "somebody-else"))
    kube.replace(gateway)
    seen = assess(strategy="listeners")
    assert (seen.capacity, seen.binding) == (29, "port-range")
    assert one(seen, "port-range").description.endswith("(100 ports, 71 of others, 0 of the controller)")


def test_listeners_of_tasks_are_active(assess: Assess, kube: Kube, kept: Any) -> None:
    gateway = kept(GATEWAY, "itg")
    gateway["spec"]["listeners"] += [listener(21000), listener(21001, "det-21001"), listener(21002, "other")]
    kube.replace(gateway)
    seen = assess(first=21000, last=21009, strategy="listeners")
    assert (seen.capacity, seen.active, seen.headroom) == (9, 2, 7)
    assert (one(seen, "crd-spec-max-items").tasks, seen.binding) == (62, "port-range")


def test_a_foreign_listener_set_holds_its_port(assess: Assess, kube: Kube, made: Any) -> None:
    made(
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "ListenerSet",
            "metadata": {"name": "theirs", "namespace": NAMESPACE},
            "spec": {"parentRef": {"name": "itg"}, "listeners": [listener(21001, "x")]},
        }
    )
    seen = assess(first=21000, last=21009, strategy="listeners")
    assert (seen.capacity, seen.active, seen.headroom) == (9, 0, 9)
    gateway = InternalTaskGateway("itg", NAMESPACE, "192.0.2.7", 21000, 21009)
    snapshot = GatewaySnapshot(GatewayTarget(ResourceManager("east", "east", internal_task_gateway=gateway), kube))
    assert [str(each) for each in snapshot.foreign_listeners] == [f"listener x of ListenerSet {NAMESPACE}/theirs"]


def test_the_ports_of_envoy_gateway_are_no_tasks_ports(assess: Assess) -> None:
    seen = assess(first=18990, last=19009, strategy="listeners")
    assert (seen.capacity, one(seen, "controller-ports").value) == (16, 4)
    assert one(seen, "controller-ports").description.endswith("(19000 to 19003)")


def test_ports_that_meet_inside_contour_count_once(assess: Assess, kube: Kube) -> None:
    gateway_class = kube.get(GATEWAY_CLASS, "itg.gateways")
    kube.delete(GATEWAY_CLASS, "itg.gateways")
    contour = {"controllerName": "projectcontour.io/gateway-controller"}
    meta = {"name": "itg.gateways"}
    kube.create(gateway_class | {"metadata": meta, "spec": contour})
    try:
        seen = assess(first=57536, last=59581, strategy="listeners")
        assert (one(seen, "port-range").tasks, one(seen, "controller-ports").value) == (1023, 1023)
        assert one(seen, "listener-sets").value == 0, "Contour has none"
        upper = assess(first=58559, last=59581, strategy="listeners")
        assert one(upper, "port-range").tasks == 1023
    finally:
        kube.delete(GATEWAY_CLASS, "itg.gateways")
        kube.create(gateway_class | {"metadata": meta})


def test_quotas_leave_room_for_what_each_task_needs(assess: Assess, kube: Kube, made: Any) -> None:
    hard = {"services": "200", "count/tcproutes.gateway.networking.k8s.io": "12"}
    quota = made(
        {
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": {"name": "tasks", "namespace": NAMESPACE},
            "spec": {"hard": hard},
        }
    )
    used = {"services": "70", "count/tcproutes.gateway.networking.k8s.io": "2"}
    kube.replace(quota | {"status": {"hard": hard, "used": used}}, subresource="status")
    seen = assess(strategy="listeners")
    assert one(seen, "quota-services").tasks == 130
    assert (seen.capacity, seen.binding) == (10, "quota-routes")
    assert one(assess(), "quota-routes").tasks is None, "the routes of slots are there already"


def test_addresses_of_services_run_out(assess: Assess) -> None:
    seen = one(assess(strategy="listeners"), "service-addresses")
    assert seen.description.endswith("(free of 65534)")
    assert seen.value == seen.tasks == 65534 - 1, "the API server's own Service; those of slots are headless"
    assert one(assess(), "service-addresses").tasks is None


def test_node_ports_bind_where_the_proxy_takes_them(assess: Assess, made: Any) -> None:
    assert one(assess(), "node-ports").tasks is None
    owned = {
        "gateway.envoyproxy.io/owning-gateway-name": "itg",
        "gateway.envoyproxy.io/owning-gateway-namespace": NAMESPACE,
    }
    ports = {"ports": [{"port": 80}]}
    for name, labels, spec in (
        ("proxy", owned, {"type": "LoadBalancer"} | ports),
        ("another", {}, {"type": "NodePort"} | ports),
    ):
        meta = {"name": name, "namespace": NAMESPACE, "labels": labels}
        made({"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": spec})
    seen = one(assess(), "node-ports")
    assert (seen.value, seen.tasks) == (2767, 2766)


def test_the_load_balancer_counts_by_annotation_or_by_its_cloud(assess: Assess, kube: Kube, kept: Any) -> None:
    assert one(assess(), "load-balancer-listeners").tasks is None
    gateway = kept(GATEWAY, "itg")
    gateway["metadata"].setdefault("annotations", {})["task-gateway.dev/load-balancer-listeners"] = "30"
    kube.replace(gateway)
    seen = assess()
    assert (seen.capacity, seen.binding) == (29, "load-balancer-listeners")


def test_max_aux_containers_are_a_demand_per_node(assess: Assess, made: Any) -> None:
    for name in ("a", "b", "c"):
        made({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}})
    pools = (ResourcePool("one", 10), ResourcePool("two", 20))
    seen = one(assess(resource_pools=pools), "max-aux-containers")
    assert (seen.value, seen.tasks) == (90, None)
    assert one(assess(), "max-aux-containers").value is None


def test_the_size_of_the_gateway_is_taken_from_itself_once_it_has_listeners(
    assess: Assess, kube: Kube, kept: Any
) -> None:
    assert one(assess(strategy="listeners"), "object-size").found == "documented"
    gateway = kept(GATEWAY, "itg")
    gateway["spec"]["listeners"] += [listener(21000 + index) for index in range(20)]
    kube.replace(gateway)
    seen = one(assess(strategy="listeners"), "object-size")
    assert seen.found == "read"
    assert seen.tasks is not None
    assert 500 < seen.tasks < 10_000


def test_without_a_configuration_the_charts_own_gateways_are_looked_at(kube: Kube) -> None:
    (found,) = targets(None, kube.cluster.kubeconfig)
    gateway = found.manager.internal_task_gateway
    assert found.manager.name == f"{NAMESPACE}/itg"
    assert gateway is not None
    assert (gateway.gateway_port_range_start, gateway.gateway_port_range_end) == (START, START + COUNT - 1)
    assert capacity.assess_target(found).capacity == COUNT


def test_a_cluster_without_a_gateway_of_ours_says_what_to_name(control_plane: Kube) -> None:
    with pytest.raises(UsageError, match="no Gateway of the chart") as nothing:
        targets(None, control_plane.cluster.kubeconfig)
    assert "--config" in (nothing.value.hint or "")


def test_a_gateway_on_a_cluster_without_crds_has_no_room(control_plane: Kube) -> None:
    gateway = InternalTaskGateway("itg", NAMESPACE, "192.0.2.7", START, START + 9)
    manager = ResourceManager("east", "east", internal_task_gateway=gateway)
    seen = capacity.assess_target(GatewayTarget(manager, control_plane))
    assert (seen.strategy, seen.capacity) == ("listeners", 0)
    assert seen.binding == "crd-spec-max-items"


def test_a_resource_managers_own_rights_are_enough_for_the_capacity(kube: Kube, made: Any, tmp_path: Path) -> None:
    made({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "master", "namespace": NAMESPACE}})
    values = {
        "slots": [{"start": START, "count": COUNT}],
        "rbac": {"subjects": [{"kind": "ServiceAccount", "name": "master"}]},
    }
    for obj in rendered("itg", NAMESPACE, values, "role", "rolebinding"):
        made(obj)
    content = yaml.safe_load(kube.cluster.kubeconfig.read_text())
    content["users"][0]["user"] = {"token": kube.token("master", NAMESPACE)}
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(yaml.safe_dump(content))
    gateway = InternalTaskGateway("itg", NAMESPACE, "192.0.2.7", START, START + 99)
    manager = ResourceManager("east", "east", default_namespace=NAMESPACE, internal_task_gateway=gateway)
    (target,) = targets(MasterConfig("master.yaml", manager), kubeconfig)
    seen = capacity.assess_target(target)
    assert (seen.strategy, seen.capacity, seen.binding) == ("slots", COUNT, "slots")
    unread = {each.id for each in seen.limits if each.raise_.startswith("unknown")}
    assert {"crd-spec-max-items", "quota-services"} <= unread
    assert one(seen, "slots").value == COUNT
