"""Preflight on a real cluster: a healthy installation has no problems, and each broken state has exactly its code."""

import threading
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.cluster import broken
from tests.cluster.conftest import COUNT, NAMESPACE, RELEASE, START, Installed
from tests.preflight import Break, Preflight, assert_exactly, checks_of, configured, results, troubled

from task_gateway.checks.base import CHECKS
from task_gateway.routing import names
from task_gateway.routing.templates import VERSION


@pytest.fixture
def preflight(installed: Installed, tmp_path: Path) -> Preflight:
    return Preflight(installed.kube, installed.gateway, tmp_path)


def test_of_a_healthy_installation_nothing_is_said(preflight: Preflight) -> None:
    code, report = preflight.check()
    assert (code, report["success"], troubled(report)) == (0, True, {})
    assert results(report, "ok") == {each.code for each in CHECKS if not (each.before_uninstall or each.profile)}
    assert all(each["docs"] == f"docs/checks.md#{each['code'].lower()}" for each in checks_of(report))


TABLE: list[tuple[str, Break, str]] = [
    ("the API server is away", broken.api_server_away, "ITG0101"),
    ("a node is not Ready", broken.node_not_ready, "ITG0103"),
    ("only the spec is raised", broken.spec_alone_raised, "ITG0205"),
    ("the CRDs are older than the controller needs", broken.older_bundle, "ITG0206"),
    ("the rules are dropped without a policy", broken.rules_dropped, "ITG0207"),
    ("the class does not exist", broken.class_missing, "ITG0301"),
    ("the class has wrong parameters", broken.class_refused, "ITG0302"),
    ("the controller is scaled to nothing", broken.scaled_to_zero, "ITG0303"),
    ("the Gateway does not exist", configured(gateway_name="none"), "ITG0401"),
    ("the Gateway has no address", broken.no_address, "ITG0403"),
    ("gateway_ip is another address", configured(gateway_ip="192.0.2.99"), "ITG0404"),
    ("gateway_ip is not reachable", broken.nobody_answers, "ITG0405"),
    ("the proxy takes node ports", broken.node_ports, "ITG0406"),
    ("another Service has a port", broken.rival_service, "ITG0410"),
    ("Envoy may connect to pods that are not ready", broken.panic_allowed, "ITG0416"),
    ("two listeners have one port", broken.listener_conflicts, "ITG0407"),
    ("the templates are of another version", broken.other_templates, "ITG0501"),
    ("the range is wider than the slots", configured(gateway_port_range_end=START + COUNT + 9), "ITG0502"),
    ("every slot is taken", broken.nearly_full, "ITG0503"),
    ("somebody else listens in the range", broken.foreign_in_range, "ITG0504"),
    ("the range has ports of the controller", broken.range_of_the_controller, "ITG0505"),
    ("a slot's route was deleted", broken.route_deleted, "ITG0509"),
    ("a slot's route is refused", broken.route_refused, "ITG0510"),
    ("a task's pod is not Ready", broken.pod_not_ready, "ITG0511"),
    ("more tasks may start than fit", broken.too_many_may_start, "ITG0610"),
    ("the resource manager may not write", broken.rights_missing, "ITG0701"),
    ("a listener takes everybody's routes", broken.routes_of_all_namespaces, "ITG0703"),
]


@pytest.mark.parametrize(("act", "code"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_each_broken_state_has_exactly_its_code(preflight: Preflight, act: Break, code: str) -> None:
    with ExitStack() as stack:
        stack.enter_context(act(preflight))
        assert_exactly(preflight, code)


def test_check_waits_until_all_is_right(preflight: Preflight) -> None:
    name = names.templates(RELEASE)
    preflight.kube.patch("v1/ConfigMap", name, NAMESPACE, {"data": {"version": "0"}})
    timer = threading.Timer(
        3, lambda: preflight.kube.patch("v1/ConfigMap", name, NAMESPACE, {"data": {"version": VERSION}})
    )
    timer.start()
    try:
        code, report = preflight.check("--wait")
        assert (code, troubled(report)) == (0, {})
    finally:
        timer.join()
