"""Values for production clusters: the effect of each, the same for the Envoys of Envoy Gateway and Contour."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml
from tests.chart.conftest import ROOT

from task_gateway.kube.helm import merged
from task_gateway.kube.process import Completed
from task_gateway.model import Manifest

Render = Callable[..., list[Manifest]]
Helm = Callable[..., Completed]
CHART = ROOT / "charts/internal-task-gateway"
CONTOUR: Manifest = yaml.safe_load((CHART / "contour.yaml").read_text())
PRODUCTION: Manifest = yaml.safe_load((CHART / "production.yaml").read_text())
CONTROLLERS = {"envoy-gateway": dict[str, Any](), "contour": CONTOUR}
SCALED = {"enabled": True, "minReplicas": 3, "maxReplicas": 7, "targetCPUUtilizationPercentage": 60}
PLACED = {
    "nodeSelector": {"pool": "edge"},
    "tolerations": [{"key": "edge", "operator": "Exists"}],
    "affinity": {"podAntiAffinity": {}},
    "priorityClassName": "above-tasks",
}


@pytest.fixture(params=CONTROLLERS)
def controller(request: pytest.FixtureRequest) -> str:
    """Each controller that the chart installs."""
    name: str = request.param
    return name


def made(render: Render, controller: str, values: Manifest) -> dict[str, Manifest]:
    """Return the rendered objects, by kind and name."""
    objects = render(CONTROLLERS[controller] | values)
    return {f"{each['kind']}/{each['metadata']['name']}": each for each in objects}


def envoy(render: Render, controller: str, **values: object) -> tuple[Manifest, Manifest]:
    """Return the settings of Envoy's Deployment and of its pods, from the object that the controller uses."""
    found = made(render, controller, {"envoy": values})
    if controller == "contour":
        spec = found["Deployment/tg-envoy"]["spec"]
        return spec, spec["template"]["spec"] | spec["template"]["metadata"]
    kubernetes = found["EnvoyProxy/tg"]["spec"]["provider"]["kubernetes"]
    return kubernetes["envoyDeployment"], kubernetes["envoyDeployment"].get("pod", {})


def pods(objects: list[Manifest]) -> Iterator[Manifest]:
    """Yield the spec of every pod of these objects, including that of an EnvoyProxy."""
    for each in objects:
        match each["kind"]:
            case "Pod":
                yield each["spec"]
            case "Deployment" | "Job":
                yield each["spec"]["template"]["spec"]
            case "EnvoyProxy":
                deployment = each["spec"]["provider"]["kubernetes"]["envoyDeployment"]
                yield deployment["pod"] | {"containers": [deployment["container"]]}


def images(objects: list[Manifest]) -> set[str]:
    return {
        container["image"]
        for pod in pods(objects)
        for container in [*pod["containers"], *pod.get("initContainers", [])]
    }


def test_pods_run_where_the_values_say(render: Render, controller: str) -> None:
    _, pod = envoy(render, controller, **PLACED)
    assert pod.items() >= PLACED.items()
    assert pod.keys() & PLACED.keys() == PLACED.keys()
    _, bare = envoy(render, controller)
    assert bare.keys().isdisjoint(PLACED)


def test_hooks_run_where_their_values_say(render: Render, controller: str) -> None:
    objects = render(CONTROLLERS[controller] | {"hooks": PLACED})
    own = [
        each
        for each in objects
        if each["metadata"].get("labels", {}).get("app.kubernetes.io/name") == "internal-task-gateway"
    ]
    jobs = list(pods([each for each in own if each["kind"] in ("Job", "Pod")]))
    assert jobs
    assert [job for job in jobs if not job.items() >= PLACED.items()] == []


def test_envoys_spread_without_a_word_of_labels(render: Render, controller: str) -> None:
    said = {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}
    _, pod = envoy(render, controller, topologySpreadConstraints=[said])
    (spread,) = pod["topologySpreadConstraints"]
    labels = {
        "contour": {"app.kubernetes.io/name": "tg-envoy", "app.kubernetes.io/instance": "tg"},
        "envoy-gateway": {
            "gateway.envoyproxy.io/owning-gateway-name": "tg",
            "gateway.envoyproxy.io/owning-gateway-namespace": "gateways",
        },
    }
    assert spread == said | {"labelSelector": {"matchLabels": labels[controller]}}
    _, own = envoy(
        render, controller, topologySpreadConstraints=[said | {"labelSelector": {"matchLabels": {"a": "b"}}}]
    )
    assert own["topologySpreadConstraints"][0]["labelSelector"]["matchLabels"]["a"] == "b"


def test_an_autoscaler_alone_says_how_many(render: Render, controller: str) -> None:
    values = {"autoscaling": SCALED, "resources": {"requests": {"cpu": "500m"}}}
    deployment, _ = envoy(render, controller, **values)
    assert "replicas" not in deployment
    found = made(render, controller, {"envoy": values})
    if controller == "contour":
        spec = found["HorizontalPodAutoscaler/tg-envoy"]["spec"]
        assert spec.pop("scaleTargetRef") == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "tg-envoy"}
    else:
        spec = found["EnvoyProxy/tg"]["spec"]["provider"]["kubernetes"]["envoyHpa"]
    assert (spec["minReplicas"], spec["maxReplicas"]) == (3, 7)
    assert spec["metrics"][0]["resource"]["target"]["averageUtilization"] == 60
    assert spec["behavior"]["scaleDown"]["stabilizationWindowSeconds"] == 3600
    still, _ = envoy(render, controller, replicas=4)
    assert still["replicas"] == 4


def test_a_drain_leaves_pods(render: Render, controller: str) -> None:
    found = made(render, controller, {"envoy": {"podDisruptionBudget": {"minAvailable": "50%"}}})
    if controller == "contour":
        spec = found["PodDisruptionBudget/tg-envoy"]["spec"]
        labels = found["Deployment/tg-envoy"]["spec"]["selector"]
        assert spec == {"minAvailable": "50%", "selector": labels}
    else:
        kubernetes = found["EnvoyProxy/tg"]["spec"]["provider"]["kubernetes"]
        assert kubernetes["envoyPDB"] == {"minAvailable": "50%"}


def test_open_connections_outlive_the_end_of_a_pod(render: Render, controller: str) -> None:
    found = made(render, controller, {"envoy": {"drainSeconds": 900}})
    if controller == "contour":
        pod = found["Deployment/tg-envoy"]["spec"]["template"]["spec"]
        assert pod["containers"][0]["lifecycle"]["preStop"] == {"sleep": {"seconds": 900}}
        assert pod["terminationGracePeriodSeconds"] > 900
    else:
        assert found["EnvoyProxy/tg"]["spec"]["shutdown"] == {"drainTimeout": "15m"}


def test_a_port_without_a_ready_pod_is_closed(render: Render) -> None:
    found = made(render, "envoy-gateway", {})["BackendTrafficPolicy/tg"]["spec"]
    whole = {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "tg"}
    assert found == {"targetRefs": [whole], "healthCheck": {"panicThreshold": 0}}


@pytest.mark.parametrize("served", [True, False])
def test_a_class_of_others_gets_the_policy_if_the_cluster_serves_it(helm: Helm, served: bool) -> None:
    theirs = {"controller": {"install": False}, "gatewayClass": {"create": False, "name": "theirs"}}
    kind = "gateway.envoyproxy.io/v1alpha1/BackendTrafficPolicy"
    done = helm("template", "tg", values=theirs, options=("--api-versions", kind) if served else ())
    assert done.stderr == ""
    assert ("kind: BackendTrafficPolicy" in done.stdout) is served


def test_idle_connections_are_kept_and_clients_that_are_gone_found(render: Render) -> None:
    def policy(**values: object) -> Manifest:
        spec: Manifest = made(render, "envoy-gateway", {"envoy": values})["ClientTrafficPolicy/tg"]["spec"]
        return spec

    assert policy()["timeout"] == {"tcp": {"idleTimeout": "0s"}}
    assert policy()["targetRefs"] == [{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "tg"}]
    assert policy(idleTimeoutSeconds=60)["timeout"] == {"tcp": {"idleTimeout": "1m"}}
    assert policy(idleTimeoutSeconds=7 * 86400)["timeout"] == {"tcp": {"idleTimeout": "168h"}}
    kept = {"idleSeconds": 10, "intervalSeconds": 5, "probes": 2}
    assert policy(tcpKeepalive=kept)["tcpKeepalive"] == {"idleTime": "10s", "interval": "5s", "probes": 2}
    assert "tcpKeepalive" not in policy(tcpKeepalive=None)


def test_every_image_comes_from_the_registry_of_the_values(render: Render, controller: str) -> None:
    objects = render(CONTROLLERS[controller] | {"global": {"imageRegistry": "registry.example/mirror"}})
    found = images([each for each in objects if each["kind"] != "EnvoyProxy"]) | images(
        render(CONTROLLERS[controller] | {"global": {"imageRegistry": "registry.example/mirror"}, "envoy": PLACED})
    )
    assert len(found) >= 3
    assert {image for image in found if not image.startswith("registry.example/mirror/")} == set()


def test_every_pod_has_the_secrets_to_pull_with(render: Render, controller: str) -> None:
    secrets = [{"name": "pull"}]
    found = list(pods(render(CONTROLLERS[controller] | {"global": {"imagePullSecrets": secrets}})))
    assert len(found) >= 4
    assert [pod for pod in found if pod["imagePullSecrets"] != secrets] == []


def test_common_labels_are_on_every_object_and_pod(render: Render, controller: str) -> None:
    labels = {"team": "ml"}
    envoy_values: Manifest = {"podDisruptionBudget": {"minAvailable": 1}, "autoscaling": SCALED}
    envoy_values |= {"resources": {"requests": {"cpu": "500m"}}, "podLabels": {"tier": "front"}}
    objects = render(CONTROLLERS[controller] | {"commonLabels": labels, "envoy": envoy_values})
    own = [each for each in objects if each["metadata"].get("labels", {}).get("task-gateway.dev/gateway") == "tg"]
    assert len(own) > 128
    assert [each for each in own if each["metadata"]["labels"].get("team") != "ml"] == []
    templates = [each["spec"]["template"] for each in own if each["kind"] in ("Deployment", "Job")]
    assert [each for each in templates if each["metadata"]["labels"].get("team") != "ml"] == []
    found = {f"{each['kind']}/{each['metadata']['name']}": each for each in own}
    if controller == "contour":
        assert found["Deployment/tg-envoy"]["spec"]["template"]["metadata"]["labels"]["tier"] == "front"
    else:
        assert found["Gateway/tg"]["spec"]["infrastructure"] == {"labels": labels}
        kubernetes = found["EnvoyProxy/tg"]["spec"]["provider"]["kubernetes"]
        patched = {"type": "StrategicMerge", "value": {"metadata": {"labels": labels}}}
        assert [kubernetes[each]["patch"] for each in ("envoyHpa", "envoyPDB")] == [patched] * 2


def test_what_is_made_for_one_task_has_the_common_labels(render: Render) -> None:
    (config,) = render({"commonLabels": {"team": "ml"}}, show="configmap")
    texts = [text for name, text in config["data"].items() if name.endswith(".yaml")]
    made = [each for text in texts for each in yaml.safe_load_all(text) if each["kind"] != "Gateway"]
    assert len(made) == 5
    assert [each for each in made if each["metadata"]["labels"].get("team") != "ml"] == []


def test_resources_of_every_container_follow_the_values(render: Render, controller: str) -> None:
    resources = {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"cpu": "200m", "memory": "128Mi"}}
    values: Manifest = {"hooks": {"resources": resources}, "contour": {"resources": resources}}
    values |= {"envoy": {"resources": resources, "shutdownManager": {"resources": resources}}}
    sub_chart = {"deployment": {"envoyGateway": {"resources": resources}}, "certgen": {"job": {"resources": resources}}}
    objects = render(merged(CONTROLLERS[controller], values, {"envoy-gateway": sub_chart}))
    containers = [
        container
        for pod in pods([each for each in objects if each["kind"] != "EnvoyProxy"])
        for container in [*pod["containers"], *pod.get("initContainers", [])]
    ]
    assert len(containers) >= 5
    assert [each["name"] for each in containers if each["resources"] != resources] == []
    for proxy in [each for each in objects if each["kind"] == "EnvoyProxy"]:
        deployment = proxy["spec"]["provider"]["kubernetes"]["envoyDeployment"]
        (patched,) = deployment["patch"]["value"]["spec"]["template"]["spec"]["containers"]
        assert patched == {"name": "shutdown-manager", "resources": resources}
        assert deployment["container"]["resources"] == resources


def test_resources_of_short_lived_containers_have_defaults(render: Render, controller: str) -> None:
    jobs = [each for each in render(CONTROLLERS[controller]) if each["kind"] == "Pod"]
    (pod,) = pods(jobs)
    assert {each["resources"]["requests"]["cpu"] for each in pod["containers"]} == {"10m"}


def test_pods_have_labels_and_annotations_of_ones_own(render: Render, controller: str) -> None:
    _, pod = envoy(render, controller, podLabels={"team": "ml"}, podAnnotations={"scrape": "yes"})
    assert pod["labels"].items() >= {"team": "ml"}.items()
    assert pod["annotations"] == {"scrape": "yes"}


@pytest.mark.parametrize("family", ["IPv4", "IPv6", "DualStack"])
def test_address_families(render: Render, controller: str, family: str) -> None:
    found = made(render, controller, {"envoy": {"service": {"ipFamily": family}}})
    if controller == "envoy-gateway":
        assert found["EnvoyProxy/tg"]["spec"]["ipFamily"] == family
    else:
        spec = found["Service/tg-envoy"]["spec"]
        assert spec["ipFamilies"] == (["IPv4", "IPv6"] if family == "DualStack" else [family])
        assert spec["ipFamilyPolicy"] == ("RequireDualStack" if family == "DualStack" else "SingleStack")
        args = found["Deployment/tg-contour"]["spec"]["template"]["spec"]["containers"][0]["args"]
        assert ("--envoy-service-http-address=::" in args) == (family != "IPv4")
        assert f"--xds-address={'::' if family == 'IPv6' else '0.0.0.0'}" in args


def test_the_values_for_production_are_heeded(render: Render, controller: str) -> None:
    objects = render(PRODUCTION | CONTROLLERS[controller])
    kinds = {each["kind"] for each in objects}
    assert {"NetworkPolicy", "PodDisruptionBudget"} <= kinds
    deployment, pod = envoy(render, controller, **PRODUCTION["envoy"])
    assert deployment["replicas"] == 2
    assert len(pod["topologySpreadConstraints"]) == 1


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"envoy": {"autoscaling": {"minReplicas": 9}}}, ["envoy.autoscaling.minReplicas=9", "maxReplicas=6"]),
        (CONTOUR | {"envoy": {"autoscaling": SCALED}}, ["envoy.resources.requests.cpu"]),
        (
            {"envoy": {"podDisruptionBudget": {"minAvailable": 1, "maxUnavailable": 1}}},
            ["'/envoy/podDisruptionBudget'"],
        ),
        ({"envoy": {"drainSeconds": -1}}, ["'/envoy/drainSeconds'"]),
        ({"envoy": {"nodeSelector": {"a": 1}}}, ["'/envoy/nodeSelector/a'"]),
        ({"envoy": {"service": {"ipFamily": "IPv5"}}}, ["'/envoy/service/ipFamily'"]),
        ({"global": {"imageRegistry": "https://registry.example"}}, ["'/global/imageRegistry'"]),
    ],
)
def test_what_cannot_be_is_refused_by_its_name(helm: Helm, values: Manifest, words: list[str]) -> None:
    done = helm("template", "tg", values=values)
    assert done.code != 0
    assert [word for word in words if word not in done.stderr] == []
