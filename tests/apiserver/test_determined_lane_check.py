"""`task-gateway check` of a Determined lane: a working one passes, and each fault has its code."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from tests.apiserver import broken
from tests.apiserver.broken import available, deployment, make_condition, write_status
from tests.apiserver.determined import DeterminedMaster
from tests.apiserver.determined_lanes import MASTER, NAME, START, LaneSite, installed, plane, values
from tests.apiserver.operators import HOME, IP, TASKS, until
from tests.apiserver.planes import BUNDLE, apply_chart
from tests.preflight import DEPLOYMENT, Break, Preflight, assert_exactly, checks_of, troubled

from task_gateway.checks import determined_lane
from task_gateway.checks import gateway as gateway_checks
from task_gateway.controllers.base import default
from task_gateway.crds import bundles
from task_gateway.inventory.target import discover
from task_gateway.kube.client import Kube
from task_gateway.kube.kinds import POD
from task_gateway.kube.pods import SYSTEM_NAMESPACE
from task_gateway.operator.determined import status
from task_gateway.routing.gateway_api import GATEWAY, GATEWAY_CLASS, LISTENER_SET, addresses
from task_gateway.routing.reach import Answer

COUNT = 6


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LaneSite]:
    """A lane, the objects and statuses of a controller for the Gateway with the slots, and the operator's statuses."""
    with plane("lane-check") as kube:
        for policy in bundles.fetch(BUNDLE, "experimental").policies:
            kube.apply(policy)
        made = installed(kube, tmp_path_factory.mktemp("lane-check"), COUNT)
        apply_chart(kube, "gw", HOME, values(COUNT), "listenersets", "tcproutes")
        all_runs(kube)
        with made.operator():
            until(lambda: addresses(made.lane()) == [IP] and accepted(kube))
        yield made


def accepted(kube: Kube) -> bool:
    conditions = (kube.get(GATEWAY_CLASS, f"{NAME}.{HOME}").get("status") or {}).get("conditions") or []
    return any(each["type"] == "Accepted" and each["status"] == "True" for each in conditions)


def all_runs(kube: Kube) -> None:
    """Create the objects of a cluster and a controller for the Gateway that the controller serves."""
    kube.create({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "one"}})
    write_status(kube, "v1/Node", "one", {"conditions": [{"type": "Ready", "status": "True"}]})
    kube.create(broken.kube_proxy("one"))
    write_status(kube, POD, "kube-proxy-one", broken.kube_proxy_status(ready=True), SYSTEM_NAMESPACE)
    owned = dict(each.split("=") for each in default().proxies("gw", HOME).split(","))
    deployment(kube, "envoy-gateway", {"control-plane": "envoy-gateway"}, "docker.io/envoyproxy/gateway:v1.9.1")
    deployment(kube, "envoy", owned, "docker.io/envoyproxy/envoy:distroless-v1.39.1")
    deployment(kube, "gw-operator", {"app.kubernetes.io/name": "gw-operator"}, "registry.example/operator:1")
    ports = {"type": "LoadBalancer", "allocateLoadBalancerNodePorts": False, "ports": [{"port": START}]}
    meta = {"name": "envoy", "namespace": HOME, "labels": owned}
    kube.create({"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": ports})
    write_status(kube, GATEWAY_CLASS, f"gw.{HOME}", {"conditions": [make_condition("Accepted", 1)]})
    served = broken.parent_status(kube.get(GATEWAY, "gw", HOME))
    write_status(kube, GATEWAY, "gw", served | {"addresses": [{"type": "IPAddress", "value": IP}]})
    for each in kube.list(LISTENER_SET, HOME):
        write_status(kube, LISTENER_SET, each["metadata"]["name"], broken.parent_status(each))


@pytest.fixture
def master(site: LaneSite) -> Iterator[DeterminedMaster]:
    yield site.new_master()
    site.clean_tasks()


@pytest.fixture
def preflight(site: LaneSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Preflight:
    monkeypatch.setattr(gateway_checks, "probe", lambda _: Answer.CLOSED)  # no proxy runs
    made = Preflight(site.kube, site.gateway, tmp_path, arguments=("--profile", "determined"))
    made.text = config(made, TASKS)
    return made


def config(preflight: Preflight, namespace: str) -> str:
    manager = {"type": "kubernetes", "cluster_name": "east", "default_namespace": namespace}
    pools = [{"pool_name": "east", "max_aux_containers_per_agent": 1}]
    block = {"internal_task_gateway": vars(preflight.gateway)}
    return yaml.safe_dump({"resource_manager": manager | block, "resource_pools": pools})


def test_nothing_is_said_of_a_lane_that_works(
    site: LaneSite, preflight: Preflight, master: DeterminedMaster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(determined_lane, "GRACE", timedelta(0))
    assert troubled(preflight.check()[1]) == {}
    with site.operator():
        port = master.expose("one")
        until(lambda: site.led() == {port: ("one", 8888)})
    code, report = preflight.check()
    assert (code, troubled(report)) == (0, {})
    preflight.arguments = ()
    assert troubled(preflight.check()[1]) == {}


def test_without_a_configuration_the_lane_is_the_one_gateway_of_a_release_without_other_slots(
    preflight: Preflight,
) -> None:
    preflight.without_config = True
    (target,) = discover(preflight.kube)
    assert target.manager.internal_task_gateway == preflight.gateway
    assert target.manager.default_namespace == TASKS
    code, report = preflight.check()
    assert (code, troubled(report)) == (0, {})


def no_operator(preflight: Preflight) -> AbstractContextManager[None]:
    return broken.changed_status(preflight, DEPLOYMENT, "gw-operator", available(0))


@contextmanager
def wide_range(preflight: Preflight) -> Iterator[None]:
    preflight.gateway = replace(preflight.gateway, gateway_port_range_end=START + COUNT + 2)
    preflight.text = config(preflight, TASKS)
    yield


def other_namespace(preflight: Preflight) -> AbstractContextManager[None]:
    preflight.text = config(preflight, HOME)
    return nullcontext()


def class_refused(preflight: Preflight) -> AbstractContextManager[None]:
    return broken.changed_status(
        preflight, GATEWAY_CLASS, f"{NAME}.{HOME}", {"conditions": [make_condition("Accepted", 1, "False")]}
    )


def not_programmed(preflight: Preflight) -> AbstractContextManager[None]:
    """The status that the operator writes while the gateway has no address."""
    return broken.changed_status(preflight, GATEWAY, NAME, status.of_gateway("", datetime.now(UTC)))


@pytest.mark.parametrize(
    ("act", "code", "words"),
    [
        (no_operator, "ITG0308", "no pod of Deployment gateways/gw-operator is available"),
        (wide_range, "ITG0513", f"3 ports have no slot, the first is {START + COUNT}"),
        (other_namespace, "ITG0515", "the master uses namespace gateways, the lane tasks"),
        (class_refused, "ITG0302", "Accepted"),
        (not_programmed, "ITG0403", "Programmed"),
    ],
)
def test_each_break_has_its_code(preflight: Preflight, act: Break, code: str, words: str) -> None:
    with act(preflight):
        check = assert_exactly(preflight, code)
    assert words in check["message"]


def test_a_port_that_does_not_lead_to_its_task_is_named(
    preflight: Preflight, master: DeterminedMaster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No operator runs."""
    port = master.expose("one")
    assert troubled(preflight.check()[1]) == {}  # it may still be exposed
    monkeypatch.setattr(determined_lane, "GRACE", timedelta(0))
    check = assert_exactly(preflight, "ITG0514")
    assert check["message"] == f"port {port}: allocation one"
    assert check["fix"] == f"kubectl logs --namespace {HOME} deployment/gw-operator"


def test_a_right_that_the_master_lacks_is_added_to_its_own_subjects(preflight: Preflight) -> None:
    _, report = preflight.check("--as", f"system:serviceaccount:{TASKS}:another")
    (check,) = [each for each in checks_of(report) if each["code"] == "ITG0701"]
    assert check["result"] == "error"
    assert "--set-json 'operator.determined.subjects=" in check["fix"]
    assert MASTER in check["fix"]
    _, report = preflight.check("--as", f"system:serviceaccount:{TASKS}:{MASTER}")
    assert troubled(report) == {}
