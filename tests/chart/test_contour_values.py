"""Values of Contour: the effect of each, the hooks, and templates that agree with the slots."""

from collections.abc import Callable
from string import Template

import pytest
import yaml
from tests.chart.conftest import ROOT

from task_gateway.kube.process import Completed
from task_gateway.model import Manifest

Render = Callable[..., list[Manifest]]
CONTOUR = yaml.safe_load((ROOT / "charts/internal-task-gateway/contour.yaml").read_text())
OLD = "gateway.networking.k8s.io/v1alpha2/TCPRoute"
NEW = "gateway.networking.k8s.io/v1/TCPRoute"


def arguments(objects: list[Manifest]) -> list[str]:
    (contour,) = objects
    found: list[str] = contour["spec"]["template"]["spec"]["containers"][0]["args"]
    return found


@pytest.mark.parametrize(("served", "version"), [((), "v1"), ((NEW,), "v1"), ((NEW, OLD), "v1"), ((OLD,), "v1alpha2")])
def test_routes_have_the_newest_version_that_is_served(
    helm: Callable[..., Completed], served: tuple[str, ...], version: str
) -> None:
    shown = ("--show-only", "templates/tcproutes.yaml")
    options = (*shown, *(word for each in served for word in ("--api-versions", each)))
    done = helm("template", "tg", values=CONTOUR | {"slots": [{"start": 20000, "count": 1}]}, options=options)
    assert yaml.safe_load(done.stdout)["apiVersion"] == f"gateway.networking.k8s.io/{version}", done.stderr


def test_templates_are_what_the_slots_were_made_from(render: Render) -> None:
    values = CONTOUR | {"slots": [{"start": 20100, "count": 1, "namespace": "tasks"}]}
    (config,) = render(values, show="configmap")
    parent, route, service = yaml.safe_load_all(
        Template(config["data"]["slots.yaml"]).substitute(PORT=20100, NAMESPACE="tasks")
    )
    (gateway,) = render(values, show="gateway")
    assert parent["spec"]["listeners"] == gateway["spec"]["listeners"]
    assert [route] == render(values, show="tcproutes")
    assert [service] == render(values, show="services")


def test_the_rate_of_requests_is_the_burst_too(render: Render) -> None:
    said = arguments(render(CONTOUR | {"contour": {"clientQPS": 7}}, only="Deployment/tg-contour"))
    assert {"--kubernetes-client-qps=7", "--kubernetes-client-burst=7"} <= set(said)


def test_the_environment_is_what_the_values_say_beside_what_contour_needs(render: Render) -> None:
    def environment(values: Manifest) -> dict[str, str | None]:
        (found,) = render(CONTOUR | values, only="Deployment/tg-contour")
        variables = found["spec"]["template"]["spec"]["containers"][0]["env"]
        return {each["name"]: each.get("value") for each in variables}

    own = {"CONTOUR_NAMESPACE", "POD_NAME"}
    assert set(environment({})) == own | {"GOGC", "GOMEMLIMIT"}
    assert set(environment({"contour": {"extraEnv": []}})) == own
    assert environment({"contour": {"extraEnv": [{"name": "GOGC", "value": "100"}]}})["GOGC"] == "100"


def test_each_namespace_is_watched_once(render: Render) -> None:
    def watched(values: Manifest) -> str:
        (said,) = [
            each for each in arguments(render(values, only="Deployment/tg-contour")) if "watch-namespaces" in each
        ]
        return said

    assert watched(CONTOUR) == "--watch-namespaces=gateways"
    assert (
        watched(CONTOUR | {"slots": [{"namespace": "tasks", "start": 20000, "count": 64}]})
        == "--watch-namespaces=gateways,tasks"
    )


def test_the_service_has_what_the_values_say_of_load_balancers(render: Render) -> None:
    def service(**values: object) -> Manifest:
        (found,) = render(CONTOUR | {"envoy": {"service": values}}, show="contour/envoy-service")
        return found

    chosen = {"loadBalancerClass": "example.com/lb", "loadBalancerSourceRanges": ["10.0.0.0/8"]}
    found = service(annotations={"example.com/pool": "a"}, externalTrafficPolicy="Local", **chosen)
    assert found["metadata"]["annotations"] == {"example.com/pool": "a"}
    assert found["spec"].items() >= (chosen | {"externalTrafficPolicy": "Local"}).items()
    assert found["spec"]["allocateLoadBalancerNodePorts"] is False
    inside = service(type="ClusterIP")["spec"]
    assert inside["type"] == "ClusterIP"
    assert inside.keys().isdisjoint({"externalTrafficPolicy", "allocateLoadBalancerNodePorts", *chosen})


def test_certificates_come_first_and_their_secrets_go_last(render: Render) -> None:
    events: dict[str, set[str]] = {}
    for each in render(CONTOUR):
        for event in each["metadata"].get("annotations", {}).get("helm.sh/hook", "").split(","):
            events.setdefault(event, set()).add(f"{each['kind']}/{each['metadata']['name']}")
    events.pop("")

    def job(name: str) -> set[str]:
        return {f"{kind}/{name}" for kind in ("ServiceAccount", "Role", "RoleBinding", "Job")}

    assert events == {
        "pre-install": job("tg-contour-certs"),
        "pre-upgrade": job("tg-contour-certs"),
        "post-delete": job("tg-uninstall-remains"),
        "test": {"Pod/tg-test"},
    }


def test_the_secrets_that_are_removed_are_those_that_are_mounted(render: Render) -> None:
    mounted = {
        volume["secret"]["secretName"]
        for name in ("tg-contour", "tg-envoy")
        for volume in render(CONTOUR, only=f"Deployment/{name}")[0]["spec"]["template"]["spec"]["volumes"]
        if "secret" in volume
    }
    (deployment,) = render(CONTOUR, only="Deployment/tg-contour")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    (lease,) = [each.partition("=")[2] for each in container["args"] if "leader-election-resource-name=" in each]
    found = {each["kind"]: each for each in render(CONTOUR, show="uninstall/remains")}
    (removal,) = found["Job"]["spec"]["template"]["spec"]["containers"]
    wanted = {*(f"secrets/{each}" for each in mounted), f"leases.coordination.k8s.io/{lease}"}
    assert {each for each in removal["args"] if "/" in each} == wanted
    rules = {rule["resources"][0]: rule for rule in found["Role"]["rules"]}
    assert set(rules["secrets"]["resourceNames"]) == mounted
    assert rules["leases"]["resourceNames"] == [lease]
    assert {verb for rule in rules.values() for verb in rule["verbs"]} == {"delete"}


def test_another_contour_serves_the_class_where_none_is_installed(render: Render) -> None:
    objects = render(CONTOUR | {"controller": {"name": "contour", "install": False}})
    assert not [each for each in objects if each["kind"] in ("Deployment", "Job", "ClusterRole")]
    (found,) = [each for each in objects if each["kind"] == "GatewayClass"]
    assert found["spec"] == {"controllerName": "projectcontour.io/gateway-controller"}


@pytest.mark.parametrize(("values", "there"), [(CONTOUR, True), ({}, False)])
def test_contours_crds_come_with_it_alone(helm: Callable[..., Completed], values: Manifest, there: bool) -> None:
    done = helm("template", "tg", values=values, options=("--include-crds",))
    assert done.code == 0, done.stderr
    assert ("name: httpproxies.projectcontour.io" in done.stdout) is there
