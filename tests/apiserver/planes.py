"""A separate control plane with the CRDs of Gateway API and objects of the chart; no controller runs."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import yaml

import pins
from task_gateway.crds import bundles, schema
from task_gateway.kube import helm
from task_gateway.kube.client import Kube
from task_gateway.kube.wait import condition, wait_for
from task_gateway.model import Manifest
from task_gateway.settings import API_READY
from task_gateway_lab.clusters import base

CHART = Path(__file__).parents[2] / "charts" / "internal-task-gateway"
BUNDLE = f"v{pins.read()['GATEWAY_API_VERSION']}"


@contextmanager
def gateway_api(name: str, *namespaces: str, channel: str = "standard") -> Iterator[Kube]:
    """Start a control plane with Gateway API and those namespaces; its CRDs look as if helm applied them."""
    with base.temporary_cluster(
        "control-plane", base.ClusterRequest(f"test-{name}-{os.getpid()}"), say=print
    ) as cluster:
        kube = Kube(cluster)
        crds = bundles.fetch(BUNDLE, channel).crds
        for crd in crds.values():
            kube.apply(crd, field_manager="helm")
        for crd_name in crds:
            wait_for(kube, API_READY, schema.KIND, crd_name, None, condition("Established"))
        for namespace in namespaces:
            kube.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
        yield kube


def rendered(release: str, namespace: str, values: Mapping[str, object], *templates: str) -> list[Manifest]:
    """Return the objects of those templates of the chart."""
    parts = [word for name in templates for word in ("--show-only", f"templates/{name}.yaml")]
    text = helm.template(CHART, values, release=release, namespace=namespace, arguments=parts)
    return [obj for obj in yaml.safe_load_all(text) if obj]


def apply_chart(kube: Kube, release: str, namespace: str, values: Mapping[str, object], *templates: str) -> None:
    """Apply the objects of those templates of the chart, as helm would."""
    for obj in rendered(release, namespace, values, *templates):
        kube.apply(obj, field_manager="helm")
