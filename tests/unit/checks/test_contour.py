"""Checks and limits report features that Contour does not support."""

from collections.abc import Callable

import pytest

from task_gateway.checks import controller, routing
from task_gateway.checks.base import Finding
from task_gateway.inventory.snapshot import GatewaySnapshot
from task_gateway.limits import ports
from task_gateway.model import Manifest

Make = Callable[..., GatewaySnapshot]
CONTOUR, ENVOY = "projectcontour.io/gateway-controller", "gateway.envoyproxy.io/gatewayclass-controller"
SET = {"spec": {"parentRef": {"name": "gw"}}}
SAME = {"allowedListeners": {"namespaces": {"from": "Same"}}}


def class_of(name: str, **meta: Manifest) -> Manifest:
    return {"metadata": {"name": "klass", **meta}, "spec": {"controllerName": name}}


def gateway(**spec: object) -> Manifest:
    return {
        "metadata": {"labels": {"app.kubernetes.io/instance": "rel"}},
        "spec": {"gatewayClassName": "klass", **spec},
    }


@pytest.mark.parametrize(
    ("name", "attached", "spec", "said"),
    [
        (CONTOUR, [], {}, None),
        (CONTOUR, [], SAME, Finding("the Gateway allows ListenerSets, which Contour does not support", warning=True)),
        (CONTOUR, [SET, SET], SAME, Finding("Contour does not serve the 2 ListenerSets of the Gateway")),
        (ENVOY, [SET, SET], SAME, None),
    ],
)
def test_listener_sets(
    snapshot: Make, name: str, attached: list[Manifest], spec: Manifest, said: Finding | None
) -> None:
    found = snapshot(gateway_class=class_of(name), gateway_object=gateway(**spec), listener_sets=attached)
    assert controller.listener_sets(found) == said


@pytest.mark.parametrize(
    ("name", "labels", "namespace", "said"),
    [
        (CONTOUR, {"task-gateway.dev/gateway": "gw"}, "ns", None),
        (CONTOUR, {"task-gateway.dev/gateway": "gw"}, "other", "only serves Gateway other/gw"),
        (CONTOUR, {"task-gateway.dev/gateway": "first"}, "ns", "only serves Gateway ns/first"),
        (ENVOY, {"task-gateway.dev/gateway": "first"}, "ns", None),
        (CONTOUR, {}, "ns", None),
    ],
)
def test_one_gateway_for_each_contour(
    snapshot: Make, name: str, labels: dict[str, str], namespace: str, said: str | None
) -> None:
    notes = {"meta.helm.sh/release-namespace": namespace}
    found = controller.own_controller(snapshot(gateway_class=class_of(name, labels=labels, annotations=notes)))
    assert found == (None if said is None else Finding(f"the Contour of GatewayClass klass {said}"))


def contour(namespace: str, release: str, *args: str) -> Manifest:
    meta = {"name": "c", "namespace": namespace, "labels": {"app.kubernetes.io/instance": release}}
    return {"metadata": meta, "spec": {"template": {"spec": {"containers": [{"args": list(args)}]}}}}


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (contour("ns", "rel", "--watch-namespaces=ns,tasks"), None),
        (contour("ns", "rel"), None),
        (contour("ns", "rel", "--watch-namespaces=ns,a"), "Contour watches ns, a, but not namespace tasks"),
        (contour("ns", "other", "--watch-namespaces=ns"), None),
        (contour("elsewhere", "rel", "--watch-namespaces=elsewhere"), None),
    ],
)
def test_the_namespace_of_the_tasks_is_looked_at(snapshot: Make, found: Manifest, said: str | None) -> None:
    there = {"gateway_object": gateway(), "namespaces": ("tasks",), "controllers": [found]}
    assert controller.watched(snapshot(gateway_class=class_of(CONTOUR), **there)) == (said and Finding(said))
    assert controller.watched(snapshot(gateway_class=class_of(ENVOY), **there)) is None


def proxy(*found: int) -> Manifest:
    return {"metadata": {"name": "envoy", "namespace": "ns"}, "spec": {"ports": [{"port": port} for port in found]}}


def test_ports_that_its_service_lacks_are_no_task_s(snapshot: Make) -> None:
    read = {"gateway_class": class_of(CONTOUR), "gateway_object": gateway()}
    services = [proxy(*range(2000, 2006))]
    found = snapshot("listeners", **read, proxy_services=services)
    said = routing.reserved(found)
    assert said is not None
    assert said.message == "4 ports, 2006 to 2009; the Service of the Contour proxy lacks 4 of them"
    assert said.fix == (
        "helm upgrade rel internal-task-gateway --namespace ns --reuse-values "
        "--set contour.ports.start=2000,contour.ports.count=10"
    )
    assert ports.range_(found).tasks == 6
    whole = snapshot("listeners", **read, proxy_services=[proxy(*range(2000, 2010))])
    assert routing.reserved(whole) is None
    assert routing.reserved(snapshot("slots", **read, proxy_services=services)) is None
    added = read | {"gateway_class": class_of(ENVOY)}
    assert routing.reserved(snapshot("listeners", **added, proxy_services=services)) is None
