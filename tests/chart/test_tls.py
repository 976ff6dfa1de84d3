"""TLS at tasks' ports: every listener of a task has the certificate, created manually or by cert-manager."""

from collections.abc import Callable
from string import Template

import pytest
import yaml
from tests.chart.test_production import CONTOUR, CONTROLLERS, controller

from task_gateway.kube.process import Completed
from task_gateway.model import Manifest
from task_gateway.routing.templates import Templates

__all__ = ["controller"]
Render = Callable[..., list[Manifest]]
ISSUER = {"name": "internal", "kind": "ClusterIssuer"}


def listeners(objects: list[Manifest]) -> list[Manifest]:
    parents = [each for each in objects if each["kind"] in ("Gateway", "ListenerSet")]
    return [each for parent in parents for each in parent["spec"]["listeners"] if each["name"] != "placeholder"]


def terminated(listener: Manifest, secret: str) -> bool:
    reference = {"group": "", "kind": "Secret", "namespace": "gateways", "name": secret}
    return bool(
        listener["protocol"] == "TLS"
        and listener["tls"] == {"mode": "Terminate", "certificateRefs": [reference]}
        and [each["kind"] for each in listener["allowedRoutes"]["kinds"]] == ["TCPRoute"]
    )


def test_every_slot_has_the_certificate(render: Render, controller: str) -> None:
    found = listeners(render(CONTROLLERS[controller] | {"tls": {"secretName": "tasks"}}))
    assert len(found) == 64
    assert [each for each in found if not terminated(each, "tasks")] == []


def test_without_a_certificate_nothing_is_decrypted(render: Render, controller: str) -> None:
    found = listeners(render(CONTROLLERS[controller]))
    assert {(each["protocol"], "tls" in each) for each in found} == {("TCP", False)}


@pytest.mark.parametrize("strategy", ["slots", "listeners"])
def test_the_templates_have_it_too(render: Render, strategy: str) -> None:
    (config,) = render({"tls": {"secretName": "tasks"}}, show="configmap")
    names = {"PORT": "20000", "SET": "0", "NAMESPACE": "jobs", "TASK": "t", "OWNER": "o", "OBJECT": "x"}
    text = Template(config["data"][f"{strategy}.yaml"]).substitute(names, TARGET_PORT="80")
    (listener,) = listeners(list(yaml.safe_load_all(text)))
    assert terminated(listener, "tasks")


@pytest.mark.parametrize(
    ("tls", "ends"),
    [({}, False), ({"secretName": "tasks"}, True), ({"certManager": {"issuerRef": ISSUER, "dnsNames": ["a.b"]}}, True)],
)
def test_the_config_map_says_whether_tls_ends_at_the_listeners(render: Render, tls: Manifest, ends: bool) -> None:
    (config,) = render({"tls": tls}, show="configmap")
    assert config["data"]["tls"] == ("true" if ends else "false")
    assert Templates(config["data"]).tls is ends


def test_cert_manager_makes_it_for_what_clients_connect_to(render: Render) -> None:
    tls = {"certManager": {"issuerRef": ISSUER, "dnsNames": ["tasks.example"]}}
    values = {"tls": tls, "gateway": {"addresses": ["10.0.0.1"]}}
    objects = render(values)
    (certificate,) = [each for each in objects if each["kind"] == "Certificate"]
    assert certificate["spec"]["secretName"] == "tg-tls"
    assert certificate["spec"]["issuerRef"] == ISSUER
    assert (certificate["spec"]["dnsNames"], certificate["spec"]["ipAddresses"]) == (["tasks.example"], ["10.0.0.1"])
    assert all(terminated(each, "tg-tls") for each in listeners(objects))
    named = render(values | {"tls": tls | {"secretName": "own"}})
    (certificate,) = [each for each in named if each["kind"] == "Certificate"]
    assert certificate["spec"]["secretName"] == "own"


@pytest.mark.parametrize(
    ("tls", "words"),
    [
        ({"certManager": {"issuerRef": ISSUER}}, ["tls.certManager.dnsNames", "gateway.addresses"]),
        ({"certManager": {"dnsNames": ["tasks.example"]}}, ["tls.certManager.issuerRef"]),
        ({"secretname": "x"}, ["'/tls'", "secretname"]),
    ],
)
def test_half_a_certificate_is_refused(helm: Callable[..., Completed], tls: Manifest, words: list[str]) -> None:
    done = helm("template", "tg", values=CONTOUR | {"tls": tls})
    assert done.code != 0
    assert [word for word in words if word not in done.stderr] == []
