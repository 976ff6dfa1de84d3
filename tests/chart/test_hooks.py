"""Hooks: `helm test` checks this gateway, `helm uninstall` leaves no objects; their pods are restricted."""

from collections.abc import Callable

import pytest

from task_gateway.model import Manifest
from task_gateway.routing import names

Render = Callable[..., list[Manifest]]
EVENT, POLICY = "helm.sh/hook", "helm.sh/hook-delete-policy"


def hooked(objects: list[Manifest], event: str) -> dict[str, Manifest]:
    """Return the chart's own objects of a hook by kind, the last one of each."""
    own = [each for each in objects if names.GATEWAY_LABEL in each["metadata"].get("labels", {})]
    return {each["kind"]: each for each in own if each["metadata"].get("annotations", {}).get(EVENT) == event}


def test_the_test_waits_for_gateway_listeners_and_routes(render: Render) -> None:
    found = hooked(render({"slots": [{"namespace": "tasks", "start": 20000, "count": 64}]}), "test")
    assert list(found) == ["Pod"], "helm test --logs requests the logs of every hook"
    pod = found["Pod"]
    waits = {each["name"]: each["args"] for each in pod["spec"]["initContainers"]}
    (read,) = pod["spec"]["containers"]
    assert {"--for=condition=Programmed", "gateways.gateway.networking.k8s.io/tg"} <= set(waits["gateway"])
    assert {"listenersets.gateway.networking.k8s.io", "--namespace=gateways"} <= set(waits["listenersets"])
    assert {"tcproutes.gateway.networking.k8s.io", "--namespace=tasks"} <= set(waits["reported-0"])
    assert read["args"][:2] == ["get", "tcproutes.gateway.networking.k8s.io"]
    selecting = (waits["listenersets"], waits["reported-0"], read["args"])
    assert all("--selector=task-gateway.dev/gateway=tg" in each for each in selecting)


def test_the_time_of_the_test_ends_after_that_of_its_waits(render: Render) -> None:
    spec = hooked(render(), "test")["Pod"]["spec"]
    waits = {word for each in spec["initContainers"] for word in each["args"] if word.startswith("--timeout")}
    assert waits == {"--timeout=120s"}
    assert (spec["restartPolicy"], spec["activeDeadlineSeconds"]) == ("OnFailure", 125)


@pytest.mark.parametrize(
    ("values", "controller"),
    [
        ({}, "gateway.envoyproxy.io/gatewayclass-controller"),
        (
            {"controller": "contour"},
            "projectcontour.io/gateway-controller",
        ),
        (
            {"controller": {"install": False}, "gatewayClass": {"controllerName": "example.com/own"}},
            "example.com/own",
        ),
    ],
)
def test_the_test_reads_what_the_controller_of_the_class_reports(
    render: Render, values: Manifest, controller: str
) -> None:
    pod = hooked(render(values), "test")["Pod"]
    (routes,) = [each["args"] for each in pod["spec"]["containers"] if each["name"] == "routes-0"]
    assert f'eq $entry.controllerName "{controller}"' in routes[-1]
    assert "CONTROLLER" not in routes[-1]


def test_the_gateway_goes_before_its_controller(render: Render) -> None:
    found = hooked(render(), "pre-delete")
    pod = found["Job"]["spec"]["template"]["spec"]
    deleted = [each["args"][3:5] for each in pod["initContainers"]]
    assert deleted == [
        ["gateways.gateway.networking.k8s.io", "tg"],
        ["gatewayclasses.gateway.networking.k8s.io", "tg.gateways"],
    ]
    assert found["Role"]["rules"][0]["resourceNames"] == ["tg"]
    assert found["ClusterRole"]["rules"][0]["resourceNames"] == ["tg.gateways"]
    accounts = {each["subjects"][0]["name"] for each in (found["RoleBinding"], found["ClusterRoleBinding"])}
    assert accounts == {found["ServiceAccount"]["metadata"]["name"], pod["serviceAccountName"]}


def test_what_the_release_did_not_make_it_does_not_delete(render: Render) -> None:
    assert hooked(render({"controller": {"install": False}}), "pre-delete") == {}
    assert hooked(render({"controller": {"install": False}}), "post-delete") == {}
    kept = hooked(render({"gatewayClass": {"create": False, "name": "mine"}}), "pre-delete")
    assert [each["name"] for each in kept["Job"]["spec"]["template"]["spec"]["initContainers"]] == ["gateway"]
    assert "ClusterRole" not in kept


def test_what_helm_does_not_know_of_goes_after_the_controller_that_made_it(render: Render) -> None:
    def removed(values: Manifest) -> list[str]:
        found = hooked(render(values), "post-delete")
        if not found:
            return []
        (container,) = found["Job"]["spec"]["template"]["spec"]["containers"]
        return [each for each in container["args"] if "/" in each]

    secrets = [f"secrets/{each}" for each in ("envoy", "envoy-gateway", "envoy-oidc-hmac", "envoy-rate-limit")]
    assert removed({}) == [*secrets, "leases.coordination.k8s.io/5b9825d2.gateway.envoyproxy.io"]
    assert removed({"controller": {"install": False}}) == []


def test_hooks_of_envoy_gateways_chart_go_too(render: Render) -> None:
    hooks = [each for each in render() if EVENT in each["metadata"].get("annotations", {})]
    kept = [each for each in hooks if "hook-succeeded" not in each["metadata"]["annotations"].get(POLICY, "")]
    assert len(hooks) > 8
    assert [each["kind"] for each in kept] == ["Job"]
    assert kept[0]["spec"]["ttlSecondsAfterFinished"] == 30


def test_pods_of_hooks_are_restricted(render: Render) -> None:
    objects = render()
    pods = [hooked(objects, "test")["Pod"]["spec"]]
    pods += [hooked(objects, each)["Job"]["spec"]["template"]["spec"] for each in ("pre-delete", "post-delete")]
    for pod in pods:
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in [*pod.get("initContainers", []), *pod["containers"]]:
            assert container["securityContext"]["allowPrivilegeEscalation"] is False
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_the_test_waits_as_long_as_contour_writes(render: Render) -> None:
    def timeouts(values: Manifest) -> set[str]:
        pod = hooked(render(values), "test")["Pod"]
        return {
            argument for each in pod["spec"]["initContainers"] for argument in each["args"] if "timeout" in argument
        }

    contour = {"controller": "contour"}
    assert timeouts({"slots": [{"start": 20000, "count": 1000}]}) == {"--timeout=120s"}
    assert timeouts(contour | {"slots": [{"start": 20000, "count": 1000}], "contour": {"clientQPS": 5}}) == {
        "--timeout=320s"
    }
