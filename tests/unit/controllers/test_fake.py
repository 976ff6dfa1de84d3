"""A new controller is one record: limits, checks, scenarios, bench and reports use it without other changes."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from docs import controllers as report
from task_gateway.checks import controller as controller_checks
from task_gateway.checks import crds, gateway, routing
from task_gateway.checks.base import Finding
from task_gateway.cli.main import build
from task_gateway.controllers import base
from task_gateway.controllers.base import CONTROLLERS, UNKNOWN, BenchPlan, Controller
from task_gateway.inventory.snapshot import GatewaySnapshot
from task_gateway.limits.base import LIMITS
from task_gateway.model import Manifest
from task_gateway.model_controllers import ControllerRecord
from task_gateway.probe.versions import image_versions
from task_gateway_lab.bench import bench_cluster, combos
from task_gateway_lab.scenarios.environment import NEEDS, Environment, EnvironmentSpec

Make = Callable[..., GatewaySnapshot]
FAKE = Controller(
    name="fake",
    title="Fakeway",
    class_prefix="fake.example/",
    listener_sets=False,
    one_gateway=True,
    watch_option="--only=",
    reserved_ports=frozenset({2003}),
    proxy_port=lambda port: port // 2,
    adds_ports=False,
    reports_generation=False,
    labels="app=fake",
    process="fake run",
    proxy_labels=("fake.example/gateway", "fake.example/namespace"),
    image="example/fake",
    proxy_image="example/fake-proxy",
    tested=(2, 1),
    gateway_api=(1, 7),
    ports_value="fake.ports",
    one_pod={"fake": {"replicas": 1}},
    bench=BenchPlan(samples=3, listeners=(10,)),
)
CLASS: Manifest = {"metadata": {"name": "klass"}, "spec": {"controllerName": "fake.example/one"}}


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    CONTROLLERS.names()  # those of the house are loaded first
    monkeypatch.setitem(CONTROLLERS._parts, FAKE.name, FAKE)


def test_a_class_leads_to_its_record_and_every_other_one_to_the_fallback() -> None:
    assert base.of_class("fake.example/one") is FAKE
    assert base.of_class("") is base.of_class("example.com/other") is UNKNOWN
    assert base.default().default
    assert base.names()[-1] == "fake"


def test_the_fallback_finds_a_proxy_by_the_labels_of_every_controller() -> None:
    labels = UNKNOWN.selectors("gw", "ns", "klass")
    assert {FAKE.proxies("gw", "ns"), f"{base.GATEWAY_NAME}=gw"} < set(labels)
    assert len(labels) == len(set(labels))


def test_limits_ask_it(snapshot: Make) -> None:
    proxy = {"metadata": {"name": "p", "namespace": "ns"}, "spec": {"ports": [{"port": n} for n in range(2000, 2008)]}}
    read: dict[str, Any] = {"gateway_class": CLASS, "proxy_services": [proxy]}
    found = LIMITS.get("port-range").limit_at(snapshot("listeners", **read))
    assert found.tasks == 4  # 2000, 2002, 2004 and 2006: two neighbours are one port, 2008 is not in the Service
    sets = LIMITS.get("listener-sets").limit_at(snapshot(**read))
    assert (sets.value, sets.tasks, sets.raise_) == (0, None, "none: Fakeway does not support ListenerSets")


def test_checks_ask_it(snapshot: Make) -> None:
    container = {"image": "registry.example/example/fake:v2.0.5", "args": ["--only=ns,a"]}
    meta = {"name": "fake", "namespace": "ns", "labels": {"app.kubernetes.io/instance": "rel"}}
    deployment = {"metadata": meta, "spec": {"template": {"spec": {"containers": [container]}}}}
    gateway_object = {
        "metadata": {"name": "gw", "generation": 5, "labels": meta["labels"]},
        "spec": {"gatewayClassName": "klass", "listeners": [{"name": "a"}]},
        "status": {"listeners": [{"name": "a"}], "conditions": [{"type": "Programmed", "observedGeneration": 1}]},
    }
    crd = {"metadata": {"annotations": {"gateway.networking.k8s.io/bundle-version": "v1.6.3"}}, "spec": {}}
    sets = [{"spec": {"parentRef": {"name": "gw", "namespace": "ns"}}}]
    found = snapshot(
        "slots",
        gateway_class={**CLASS, "metadata": {"name": "klass", "labels": {"task-gateway.dev/gateway": "first"},
                       "annotations": {"meta.helm.sh/release-namespace": "ns"}}},
        gateway_object=gateway_object, namespaces=("tasks",), listener_sets=sets, crd=crd, controllers=[deployment],
    )  # fmt: skip
    assert controller_checks.supported(found) == Finding(
        f"{container['image']}: the tested version is 2.1", warning=True
    )
    assert controller_checks.listener_sets(found) == Finding("Fakeway does not serve the 1 ListenerSets of the Gateway")
    assert controller_checks.own_controller(found) == Finding(
        "the Fakeway of GatewayClass klass only serves Gateway ns/first"
    )
    assert controller_checks.watched(found) == Finding("Fakeway watches ns, a, but not namespace tasks")
    assert crds.bundle(found) == Finding("the release of the CRDs is v1.6.3, Fakeway requires v1.7.0 or later")
    assert gateway.current(found) is None
    assert routing.reserved(found) == Finding("5 ports, 2001 to 2009", warning=True)


def test_it_can_be_chosen_for_scenarios_and_says_what_it_lacks(tmp_path: Path) -> None:
    shown = CliRunner().invoke(build(), ["scenario", "list", "-o", "json"])
    assert shown.exit_code == 0
    needs = {need for each in json.loads(shown.stdout) for need in each["needs"]}
    assert needs <= set(NEEDS)
    environment = Environment(EnvironmentSpec("run", tmp_path / "c.tgz", tmp_path / "d.tgz", "image", controller=FAKE))
    assert environment.missing_requirement(["a controller of the chart"]) == "Fakeway is not installed by the chart"
    assert environment.facts["proxy_labels"].startswith("fake.example/gateway=")


def test_the_bench_has_rows_for_it(tmp_path: Path) -> None:
    mine = combos.chosen(["fake"], [], [], None)
    assert [(each.strategy, each.sizes) for each in mine] == [
        *((name, sizes) for sizes in ((63,), combos.SIZES) for name in ("slots", "operator")), ("listeners", (10,)),
    ]  # fmt: skip
    assert "fake with slots" in combos.names()
    assert combos.crds(FAKE)["gateways"]["dropQuadraticRules"] is True
    found = bench_cluster.values(FAKE, tmp_path / "chart.tgz", mine[-1], "192.0.2.1")
    assert found["fake"] == {"replicas": 1, "ports": {"start": combos.FIRST_TASK_PORT, "count": combos.TASK_PORTS}}


def test_reports_and_versions_have_its_name() -> None:
    record = ControllerRecord("klass", "fake.example/one", "ns/gw", suitable=True)
    assert "Fakeway" in report.measured([record])
    pod = {"spec": {"containers": [{"image": "r/example/fake:v2.1.0"}, {"image": "r/example/fake-proxy:v9"}]}}
    assert image_versions([pod]) == {"fake": "v2.1.0", "fake-proxy": "v9"}
