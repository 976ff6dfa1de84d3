"""Preflight without a controller: the tests write the statuses of a controller, on a real API server."""

import os
import socketserver
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.apiserver import broken
from tests.apiserver.broken import COUNT, RELEASE, rendered
from tests.apiserver.planes import BUNDLE
from tests.preflight import NAMESPACE, Break, Preflight, assert_exactly, checks_of, results, troubled

from task_gateway.checks.base import CHECKS
from task_gateway.crds import bundles, schema
from task_gateway.kube.client import Kube
from task_gateway.kube.process import run, tool
from task_gateway.kube.wait import condition, wait_for
from task_gateway.model import InternalTaskGateway
from task_gateway.settings import API_READY
from task_gateway_lab.clusters import base

OBJECTS = ("gateway", "gatewayclass", "listenersets", "tcproutes", "services", "configmap")


@pytest.fixture(scope="module")
def ports() -> Iterator[tuple[int, int]]:
    """Two ports that accept and close, like a proxy's: of the placeholder, and the first of the range."""
    servers = [socketserver.TCPServer(("127.0.0.1", 0), socketserver.BaseRequestHandler) for _ in range(2)]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    placeholder, first = sorted((server.server_address[1] for server in servers), reverse=True)
    yield (placeholder, first) if first + COUNT <= placeholder else (first, placeholder)
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def plane() -> Iterator[Kube]:
    name = f"test-check-{os.getpid()}"
    yield Kube(base.up("control-plane", base.ClusterRequest(name), say=print))
    base.down(name)


@pytest.fixture(scope="module")
def bare(plane: Kube, tmp_path_factory: pytest.TempPathFactory) -> Preflight:
    """The API server before anything is installed."""
    return Preflight(
        plane, InternalTaskGateway(RELEASE, NAMESPACE, "127.0.0.1", 20000, 20005), tmp_path_factory.mktemp("b")
    )


@pytest.fixture(scope="module")
def nothing_installed(bare: Preflight) -> tuple[int, dict[str, Any]]:
    return bare.check()


@pytest.fixture(scope="module")
def installed(
    plane: Kube, ports: tuple[int, int], nothing_installed: tuple[int, dict[str, Any]]
) -> InternalTaskGateway:
    """The CRDs, the objects of the chart, and the objects and statuses that a controller would write."""
    placeholder, start = ports
    bundle = bundles.fetch(BUNDLE, "standard")
    for each in (*bundle.crds.values(), *bundle.policies):
        plane.apply(each)
    for crd in bundle.crds:
        wait_for(plane, API_READY, schema.KIND, crd, None, condition("Established"))
    plane.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    for obj in rendered(OBJECTS, start, placeholder=placeholder):
        plane.apply(obj, field_manager="helm")
    broken.all_runs(plane, start)
    return InternalTaskGateway(RELEASE, NAMESPACE, "127.0.0.1", start, start + COUNT - 1)


@pytest.fixture
def preflight(plane: Kube, installed: InternalTaskGateway, tmp_path: Path) -> Preflight:
    return Preflight(plane, installed, tmp_path)


def test_without_the_crds_all_that_needs_them_is_skipped(nothing_installed: tuple[int, dict[str, Any]]) -> None:
    code, report = nothing_installed
    assert set(troubled(report)) == {"ITG0201", "ITG0103"}
    assert code == 1
    assert results(report, "skipped") >= {"ITG0203", "ITG0301", "ITG0403", "ITG0502", "ITG0610", "ITG0701"}
    why = {each["code"]: each["message"] for each in checks_of(report)}
    assert (why["ITG0401"], why["ITG0301"]) == ("because ITG0201 failed", "because ITG0401 failed")


def test_of_a_healthy_installation_nothing_is_said(preflight: Preflight) -> None:
    code, report = preflight.check()
    assert (code, troubled(report), results(report, "skipped")) == (0, {}, set())


def test_the_text_ends_with_the_verdict_and_junit_fails_what_is_wrong(preflight: Preflight) -> None:
    code, text = preflight.run()
    assert (code, text.splitlines()[-1]) == (0, "Status check results are √")
    preflight.keys = {"gateway_name": "none"}
    code, text = preflight.run("--only", "gateway")
    assert code == 1
    assert "    there is no Gateway gateways/none" in text.splitlines()
    assert "    see docs/checks.md#itg0401" in text.splitlines()
    assert text.splitlines()[-1] == "Status check results are ×"
    code, xml = preflight.run("--only", "gateway", "-o", "junit")
    assert (code, xml.count("<failure ")) == (1, 1)


TABLE: list[tuple[str, Break, str]] = [
    ("the login is refused", broken.login_refused, "ITG0101"),
    ("Kubernetes is old", broken.old_kubernetes, "ITG0102"),
    ("kube-proxy does not run", broken.kube_proxy_down, "ITG0104"),
    ("TCPRoutes are not served", broken.routes_not_served, "ITG0203"),
    ("ListenerSets are not served", broken.sets_not_served, "ITG0204"),
    ("the policy safe-upgrades is missing", broken.unguarded, "ITG0208"),
    ("the class is refused", broken.class_refused, "ITG0302"),
    ("the controller is old", broken.old_controller, "ITG0304"),
    ("the Gateway is refused", broken.gateway_says(Accepted="False"), "ITG0402"),
    ("the Gateway is not Programmed", broken.gateway_says(Programmed="False"), "ITG0403"),
    ("the status is of before a change", broken.status_of_before, "ITG0408"),
    ("the proxy is down", broken.proxy_down, "ITG0409"),
    ("the claim of a task that is gone", broken.leaked_claim, "ITG0506"),
    ("the Service of a task that is gone", broken.leaked_service, "ITG0507"),
    ("the selector of a claimed slot was changed", broken.selector_changed, "ITG0508"),
    ("there are no rights at all", broken.no_rights, "ITG0701"),
    ("a public address without source ranges", broken.open_to_all, "ITG0702"),
    ("the proxy may gain privileges", broken.privileged_proxy, "ITG0704"),
]


@pytest.mark.parametrize(("act", "code"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_each_broken_state_has_exactly_its_code(preflight: Preflight, act: Break, code: str) -> None:
    with ExitStack() as stack:
        stack.enter_context(act(preflight))
        assert_exactly(preflight, code)


def test_the_node_without_kube_proxy_is_named_with_how_it_ended(preflight: Preflight) -> None:
    with broken.kube_proxy_down(preflight):
        check = assert_exactly(preflight, "ITG0104")
    assert check["message"].startswith("node one: Pod kube-proxy-one: container kube-proxy: CrashLoopBackOff")
    assert "too many open files" in check["message"]
    assert check["fix"] == "kubectl logs --namespace kube-system kube-proxy-one --previous"


@pytest.mark.parametrize("act", [broken.leaked_claim, broken.leaked_service, broken.selector_changed])
def test_the_command_that_is_shown_puts_it_right(
    preflight: Preflight, act: Callable[[Preflight], AbstractContextManager[None]]
) -> None:
    with act(preflight):
        _, report = preflight.check()
        (fix,) = [each["fix"] for each in checks_of(report) if each["result"] in ("warning", "error")]
        shell(preflight, fix)
        assert troubled(preflight.check()[1]) == {}


def test_the_commands_that_only_look_are_understood(preflight: Preflight) -> None:
    names_of = {
        "gateway": RELEASE, "namespace": NAMESPACE, "tasks": NAMESPACE, "gateway_class": f"{RELEASE}.{NAMESPACE}",
        "upgrade": "helm", "proxies": f"gateway.networking.k8s.io/gateway-name={RELEASE}",
    }  # fmt: skip
    looks = [rule.fix.format(**names_of) for rule in CHECKS if rule.fix.startswith(("kubectl get", "kubectl describe"))]
    assert len(looks) >= 10
    for fix in looks:
        shell(preflight, fix)


def shell(preflight: Preflight, command: str) -> None:
    program, _, arguments = command.partition(" ")
    ours = program == "task-gateway"
    words = f"{sys.executable} -m task_gateway.cli.main" if ours else str(tool(program))
    verb, _, arguments = arguments.partition(" ")  # our options follow the verb
    run(["sh", "-c", f"exec {words} {verb} --kubeconfig {preflight.kube.cluster.kubeconfig} {arguments}"])


def test_a_resource_managers_own_rights_are_enough(preflight: Preflight) -> None:
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "master", "namespace": NAMESPACE}}
    subjects = {"subjects": [{"kind": "ServiceAccount", "name": "master"}]}
    roles = rendered(("role", "rolebinding"), preflight.start, rbac=subjects)
    with preflight.made(account, *roles):
        preflight.acting({"token": preflight.kube.token("master", NAMESPACE)}, "master")
        code, report = preflight.check()
    assert (code, troubled(report)) == (0, {})
    unread = results(report, "skipped")
    assert {"ITG0103", "ITG0104", "ITG0205", "ITG0301", "ITG0302", "ITG0303", "ITG0304"} <= unread
    assert "ITG0506" not in unread
    assert {"ITG0101", "ITG0401", "ITG0403", "ITG0404", "ITG0405", "ITG0407", "ITG0508", "ITG0701"} <= results(
        report, "ok"
    )
    why = {each["code"]: each["message"] for each in checks_of(report)}
    assert why["ITG0103"] == "because v1/Node may not be read"


def test_a_resource_manager_without_the_right_to_claim(preflight: Preflight) -> None:
    """Its Role is older than the operator, whose policies would refuse its next claim."""
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "master", "namespace": NAMESPACE}}
    subjects = {"subjects": [{"kind": "ServiceAccount", "name": "master"}]}
    operator = {"enabled": True, "image": "example.com/operator:1"}
    (config_map,) = rendered(("configmap",), preflight.start, operator=operator)
    with preflight.made(account, *rendered(("role", "rolebinding"), preflight.start, rbac=subjects)):
        preflight.kube.apply(config_map, field_manager="helm")
        try:
            preflight.arguments = ("--as", f"system:serviceaccount:{NAMESPACE}:master")
            check = assert_exactly(preflight, "ITG0701")
            assert check["message"] == f"missing: claim slots in {NAMESPACE}"
            assert "rbac.subjects" in check["fix"]
            for each in rendered(("role",), preflight.start, operator=operator):
                preflight.kube.apply(each, field_manager="helm")
            assert troubled(preflight.check()[1]) == {}
        finally:
            for each in rendered(("configmap",), preflight.start):
                preflight.kube.apply(each, field_manager="helm")


def test_without_a_configuration_the_gateways_of_the_chart_are_found(preflight: Preflight) -> None:
    code, report = preflight.check()
    found = [each["code"] for each in checks_of(report)]
    preflight.without_config = True
    code, report = preflight.check()
    assert (code, troubled(report)) == (0, {})
    assert [each["code"] for each in checks_of(report)] == [each for each in found if not each.startswith("ITG060")]
