"""How many slots one Gateway can hold with their listeners on it: the request limit of etcd decides."""

from collections.abc import Iterator

import pytest
import yaml
from tests.apiserver.planes import CHART, gateway_api, rendered
from tests.apiserver.strategies import NAMESPACE

from task_gateway.crds.raise_limit import raise_to
from task_gateway.errors import ApiError
from task_gateway.kube.client import Kube
from task_gateway.model import Manifest
from task_gateway.routing.gateway_api import GATEWAY

LARGEST = 1851
"""The number of the chart's slot listeners, with Contour's status, that fit; twenty more are refused."""
CONDITIONS = (
    ("Programmed", "Programmed", "Valid listener"),
    ("Accepted", "Accepted", "Listener accepted"),
    ("ResolvedRefs", "ResolvedRefs", "Listener references resolved"),
)


@pytest.fixture
def raised() -> Iterator[Kube]:
    with gateway_api("object-size", NAMESPACE, channel="experimental") as kube:
        raise_to(kube, 2 * LARGEST, drop=True)
        yield kube


def reported(listener: Manifest) -> Manifest:
    common = {"lastTransitionTime": "2026-03-04T05:06:07Z", "observedGeneration": 1, "status": "True"}
    conditions = [common | {"type": type, "reason": reason, "message": said} for type, reason, said in CONDITIONS]
    kinds = [{"group": "gateway.networking.k8s.io", "kind": "TCPRoute"}]
    return {"name": listener["name"], "attachedRoutes": 1, "supportedKinds": kinds, "conditions": conditions}


def written(kube: Kube, count: int) -> None:
    values = yaml.safe_load((CHART / "contour.yaml").read_text()) | {"slots": [{"start": 20000, "count": count}]}
    (made,) = rendered("gw", NAMESPACE, values, "gateway")
    kube.delete(GATEWAY, "gw", NAMESPACE)
    gateway = kube.create(made)
    gateway["status"] = {"listeners": [reported(each) for each in gateway["spec"]["listeners"]]}
    kube.replace(gateway, subresource="status")


def test_so_many_slots_fit_into_one_gateway_and_not_many_more(raised: Kube) -> None:
    written(raised, LARGEST)
    with pytest.raises(ApiError, match="etcdserver: request is too large"):
        written(raised, LARGEST + 20)
