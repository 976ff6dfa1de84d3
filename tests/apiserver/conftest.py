"""A real API server and etcd, as processes, for one session; and one with a gateway to expose tasks through."""

import os
from collections.abc import Iterator

import pytest
import yaml
from tests.apiserver.strategies import CHART, NAMESPACE, ROUTE, SLOTS, Site

from task_gateway.clusters import base
from task_gateway.crds import bundles, schema
from task_gateway.kube import helm
from task_gateway.kube.client import Kube
from task_gateway.kube.kinds import SERVICE
from task_gateway.kube.wait import condition, wait_for
from task_gateway.model import TASK_LABEL, Cluster
from task_gateway.routing.gateway_api import GATEWAY, LISTENER_SET
from task_gateway.settings import API_READY


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    name = f"test-control-plane-{os.getpid()}"
    yield base.up("control-plane", base.Wish(name), say=print)
    base.down(name)


@pytest.fixture(scope="session")
def control_plane(cluster: Cluster) -> Kube:
    return Kube(cluster)


@pytest.fixture(scope="session")
def kube() -> Iterator[Kube]:
    """A control plane with the CRDs, and the Gateway, the templates and some slots of the chart."""
    cluster = f"test-strategies-{os.getpid()}"
    kube = Kube(base.up("control-plane", base.Wish(cluster), say=print))
    try:
        crds = bundles.fetch("v1.6.1", "standard").crds
        for crd in crds.values():
            kube.apply(crd)
        for name in crds:
            wait_for(kube, API_READY, schema.KIND, name, None, condition("Established"))
        for namespace in (NAMESPACE, "others"):
            kube.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
        # With slots elsewhere the Gateway takes ListenerSets of both namespaces.
        _apply(kube, {"slots": {"namespace": "others"}}, "gateway", "configmap")
        _apply(kube, {"slots": {"start": SLOTS[0], "count": len(SLOTS)}}, "services")
        yield kube
    finally:
        base.down(cluster)


@pytest.fixture
def site(kube: Kube) -> Iterator[Site]:
    made = Site(kube, 20000)
    before = kube.get(GATEWAY, "gw", NAMESPACE)["spec"]["listeners"]
    assert made.left() == []
    yield made
    kube.patch(GATEWAY, "gw", NAMESPACE, {"spec": {"listeners": before}})
    for kind in (SERVICE, ROUTE, LISTENER_SET):
        for each in kube.list(kind):
            if TASK_LABEL in (each["metadata"].get("labels") or {}) or kind == LISTENER_SET:
                kube.delete(kind, each["metadata"]["name"], each["metadata"]["namespace"])


def _apply(kube: Kube, values: dict[str, object], *templates: str) -> None:
    parts = [word for name in templates for word in ("--show-only", f"templates/{name}.yaml")]
    text = helm.template(CHART, values, release="gw", namespace=NAMESPACE, arguments=parts)
    for obj in yaml.safe_load_all(text):
        if obj:
            kube.apply(obj, field_manager="helm")
