"""Contour as the controller: the rendered objects, ports inside Envoy, and invalid values."""

from collections.abc import Callable

import pytest
import yaml
from tests.chart.conftest import ROOT

from task_gateway.kube import helm
from task_gateway.kube.process import Completed
from task_gateway.model import Manifest

Render = Callable[..., list[Manifest]]
CONTOUR = yaml.safe_load((ROOT / "charts/internal-task-gateway/contour.yaml").read_text())


def by_kind(objects: list[Manifest], kind: str) -> dict[str, Manifest]:
    return {each["metadata"]["name"]: each for each in objects if each["kind"] == kind}


def test_slots_are_listeners_of_the_gateway(render: Render) -> None:
    objects = render(CONTOUR | {"slots": [{"start": 20000, "count": 3, "namespace": "tasks"}]})
    gateway = by_kind(objects, "Gateway")["tg"]
    assert [each["name"] for each in gateway["spec"]["listeners"]] == ["slot-20000", "slot-20001", "slot-20002"]
    assert "allowedListeners" not in gateway["spec"]
    assert by_kind(objects, "ListenerSet") == {}
    for port, route in zip((20000, 20001, 20002), by_kind(objects, "TCPRoute").values(), strict=True):
        (parent,) = route["spec"]["parentRefs"]
        assert (parent["kind"], parent["name"], parent["sectionName"]) == ("Gateway", "tg", f"slot-{port}")
    assert by_kind(objects, "GatewayClass")["tg.gateways"]["spec"] == {
        "controllerName": "projectcontour.io/gateway-controller"
    }


def test_nothing_of_envoy_gateway_is_there_and_nothing_of_contour_without_it(render: Render) -> None:
    kinds = {each["kind"] for each in render(CONTOUR)}
    assert "EnvoyProxy" not in kinds
    assert set(by_kind(render(CONTOUR), "Deployment")) == {"tg-contour", "tg-envoy"}
    assert not [each for each in render() if "contour" in each["metadata"]["name"]]


@pytest.mark.parametrize(
    ("port", "inside"),
    [(1025, 9025), (20000, 28000), (57535, 65535), (57536, 1024), (58558, 2046), (58559, 1024), (65535, 8000)],
)
def test_the_service_leads_to_where_contour_lets_envoy_listen(render: Render, port: int, inside: int) -> None:
    (service,) = render(CONTOUR | {"slots": [{"start": port, "count": 1}]}, show="contour/envoy-service")
    (found,) = service["spec"]["ports"]
    assert (found["port"], found["targetPort"]) == (port, inside)


def test_more_ports_for_tasks_with_listeners_of_their_own(render: Render) -> None:
    values = CONTOUR | {"slots": [{"start": 20000, "count": 2}], "contour": {"ports": {"start": 20001, "count": 3}}}
    (service,) = render(values, show="contour/envoy-service")
    assert [each["port"] for each in service["spec"]["ports"]] == [20000, 20001, 20002, 20003]


def test_addresses_are_the_services_and_reported_by_contour(render: Render) -> None:
    values = CONTOUR | {"gateway": {"addresses": ["192.0.2.7"]}}
    (service,) = render(values, show="contour/envoy-service")
    assert service["spec"]["externalIPs"] == ["192.0.2.7"]
    (gateway,) = render(values, show="gateway")
    assert "addresses" not in gateway["spec"]
    (contour,) = render(values, only="Deployment/tg-contour")
    assert "--ingress-status-address=192.0.2.7" in contour["spec"]["template"]["spec"]["containers"][0]["args"]
    (without,) = render(CONTOUR, only="Deployment/tg-contour")
    assert "--envoy-service-name=tg-envoy" in without["spec"]["template"]["spec"]["containers"][0]["args"]


def test_contour_reads_secrets_and_routes_in_two_namespaces_alone(render: Render) -> None:
    objects = render(CONTOUR | {"slots": [{"namespace": "tasks", "start": 20000, "count": 64}]})
    roles = [each for each in objects if each["kind"] == "Role" and each["metadata"]["name"] == "tg-contour"]
    assert {each["metadata"]["namespace"] for each in roles} == {"gateways", "tasks"}
    (cluster,) = [each for name, each in by_kind(objects, "ClusterRole").items() if name.endswith("-contour")]
    resources = {resource for rule in cluster["rules"] for resource in rule["resources"]}
    assert resources == {"gatewayclasses", "gatewayclasses/status", "namespaces"}


def test_certificates_are_tried_for_again_and_given_up_before_helm_gives_up(render: Render) -> None:
    (job,) = render(CONTOUR, only="Job/tg-contour-certs")
    limit = job["spec"]["backoffLimit"]
    assert limit >= 3
    pauses = sum(10 * 2**number for number in range(limit))  # of the Job controller
    assert pauses <= helm.SECONDS / 2, "attempts take time, too; Helm shows the log only of a Job that has failed"
    assert job["spec"]["template"]["spec"]["restartPolicy"] == "Never", "the pod of each attempt keeps its log"


@pytest.mark.parametrize("name", ["Deployment/tg-contour", "Deployment/tg-envoy", "Job/tg-contour-certs"])
def test_pods_are_restricted(render: Render, name: str) -> None:
    for obj in render(CONTOUR, only=name):
        pod = obj["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in [*pod["containers"], *pod.get("initContainers", [])]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
        assert pod["automountServiceAccountToken"] is (name != "Deployment/tg-envoy")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"controller": {"name": "contour"}}, "to install Contour, set controller=contour"),
        (CONTOUR | {"slotListeners": {"kind": "ListenerSet"}}, "Contour does not support ListenerSets"),
        (CONTOUR | {"slots": [{"start": 58000, "count": 1500}]}, "58000 and 59023 to the same port of Envoy"),
        (
            CONTOUR | {"slots": [{"start": 57600, "count": 1}], "contour": {"ports": {"start": 58623, "count": 1}}},
            "57600 and 58623 to the same port of Envoy",
        ),
        (
            CONTOUR | {"contour": {"ports": {"start": 65000, "count": 537}}},
            "contour.ports.start=65000 and contour.ports.count=537: the last port must be at most 65535",
        ),
        ({"controller": {"name": "nginx"}}, "'/controller/name'"),
        ({"controller": "nginx"}, "'/controller'"),
        (CONTOUR | {"contour": {"replica": 1}}, "additional properties 'replica' not allowed"),
        (CONTOUR | {"tags": {"envoy-gateway": True}}, "'/tags/envoy-gateway'"),
        ({"controller": {"contour": True}}, "'/controller/contour'"),
    ],
)
def test_values_that_cannot_be_are_refused(helm: Callable[..., Completed], values: Manifest, said: str) -> None:
    done = helm("template", "tg", values=values)
    assert done.code != 0
    assert said in done.stderr


def test_helm_test_waits_for_what_there_is(render: Render) -> None:
    def waits(values: Manifest) -> set[str]:
        (pod,) = render(values, show="tests/pod")
        return {each["name"] for each in pod["spec"]["initContainers"]}

    assert waits({}) == {"gateway", "listenersets", "reported-0"}
    assert waits(CONTOUR) == waits({"slotListeners": {"kind": "Gateway"}}) == {"gateway", "reported-0"}


def test_ports_that_only_envoy_gateway_keeps_are_free_with_contour(render: Render) -> None:
    assert render(CONTOUR | {"slots": [{"start": 19000, "count": 4}]}, show="services")


def test_slots_of_envoy_gateway_can_be_listeners_of_the_gateway_too(render: Render) -> None:
    objects = render({"slots": [{"start": 20000, "count": 2}], "slotListeners": {"kind": "Gateway"}})
    assert len(by_kind(objects, "Gateway")["tg"]["spec"]["listeners"]) == 2
    assert by_kind(objects, "ListenerSet") == {}
