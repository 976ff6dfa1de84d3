"""Values: invalid ones are refused, with a message that names the value."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from task_gateway.kube.process import Completed, run, tool

Helm = Callable[..., Completed]
CHARTS = Path(__file__).resolve().parents[2] / "charts"


@pytest.mark.usefixtures("packages")
@pytest.mark.parametrize("chart", ["internal-task-gateway", "gateway-api-crds"])
def test_lint(chart: str) -> None:
    done = run([tool("helm"), "lint", "--strict", CHARTS / chart], check=False)
    assert done.code == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("values", "where"),
    [
        ({"slotz": {}}, "'slotz'"),
        ({"controller": {"instal": True}}, "'/controller'"),
        ({"controller": {"install": "yes"}}, "'/controller/install'"),
        ({"gatewayClass": {"nam": "x"}}, "'/gatewayClass'"),
        ({"gatewayClass": {"name": "Upper"}}, "'/gatewayClass/name'"),
        ({"gatewayClass": {"controllerName": "no-slash"}}, "'/gatewayClass/controllerName'"),
        ({"gateway": {"name": "a" * 41}}, "'/gateway/name'"),
        ({"gateway": {"name": "9a"}}, "'/gateway/name'"),
        ({"gateway": {"addresses": "10.0.0.1"}}, "'/gateway/addresses'"),
        ({"gateway": {"addresses": ["10.0.0.256"]}}, "'/gateway/addresses/0'"),
        ({"gateway": {"addresses": ["node.example"]}}, "'/gateway/addresses/0'"),
        ({"gateway": {"addresses": ["10.0.0.1", "10.0.0.1"]}}, "'/gateway/addresses'"),
        ({"gateway": {"placeholderPort": 80}}, "'/gateway/placeholderPort'"),
        ({"slots": [{"start": 1024, "count": 64}]}, "'/slots/0/start'"),
        ({"slots": [{"start": 65536, "count": 64}]}, "'/slots/0/start'"),
        ({"slots": [{"start": "20000", "count": 64}]}, "'/slots/0/start'"),
        ({"slots": [{"start": 20000, "count": -1}]}, "'/slots/0/count'"),
        ({"slots": [{"start": 20000, "count": 1.5}]}, "'/slots/0/count'"),
        ({"slots": [{"namespace": "a.b", "start": 20000, "count": 64}]}, "'/slots/0/namespace'"),
        ({"envoy": {"service": {"type": "NodePort"}}}, "'/envoy/service/type'"),
        ({"envoy": {"service": {"annotations": {"a": 1}}}}, "'/envoy/service/annotations/a'"),
        ({"envoy": {"service": {"loadBalancerListeners": 0}}}, "'/envoy/service/loadBalancerListeners'"),
        (
            {"envoy": {"service": {"loadBalancerSourceRanges": ["10.0.0.1"]}}},
            "'/envoy/service/loadBalancerSourceRanges/0'",
        ),
        ({"envoy": {"image": "not an image"}}, "'/envoy/image'"),
        ({"envoy": {"replicas": 0}}, "'/envoy/replicas'"),
        ({"envoy": {"resources": {"limits": {"gpu": 1}}}}, "'/envoy/resources/limits'"),
        ({"rbac": {"subjects": [{"kind": "Robot", "name": "x"}]}}, "'/rbac/subjects/0/kind'"),
        ({"rbac": {"subjects": [{"kind": "User"}]}}, "'/rbac/subjects/0'"),
        ({"rbac": {"subjects": [{"kind": "User", "name": "x", "role": "y"}]}}, "'/rbac/subjects/0'"),
        ({"envoy": {"idleTimeoutSeconds": 315_360_001}}, "'/envoy/idleTimeoutSeconds'"),
        ({"envoy": {"tcpKeepalive": {"idleSeconds": 32768}}}, "'/envoy/tcpKeepalive/idleSeconds'"),
        ({"envoy": {"tcpKeepalive": {"probes": 128}}}, "'/envoy/tcpKeepalive/probes'"),
        ({"commonLabels": {"task-gateway.dev/gateway": "x"}}, "'/commonLabels/task-gateway.dev~1gateway'"),
        ({"hooks": {"image": 3}}, "'/hooks/image'"),
        ({"hooks": {"resources": {"limits": {"gpu": 1}}}}, "'/hooks/resources/limits'"),
    ],
    ids=lambda value: json.dumps(value) if isinstance(value, dict) else "",
)
def test_schema_refuses(helm: Helm, values: dict[str, Any], where: str) -> None:
    done = helm("template", "tg", values=values)
    assert done.code != 0
    assert where in done.stderr


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"slots": [{"start": 65500, "count": 37}]}, ["slots[0].start=65500", "slots[0].count=37", "65500-65536"]),
        ({"slots": [{"start": 18937, "count": 64}]}, ["slots[0].start", "18937-19000", "19000-19003"]),
        ({"slots": [{"start": 19003, "count": 1}]}, ["slots[0].start", "19003-19003", "19000-19003"]),
        ({"gateway": {"placeholderPort": 20063}}, ["gateway.placeholderPort=20063", "20000-20063"]),
        ({"gateway": {"placeholderPort": 19002}}, ["gateway.placeholderPort=19002", "19000-19003"]),
        ({"gatewayClass": {"create": False}}, ["gatewayClass.name"]),
        (
            {"gatewayClass": {"controllerName": "example.com/x"}},
            ["gatewayClass.controllerName=example.com/x", "envoy-gateway.config.envoyGateway.gateway."],
        ),
    ],
)
def test_rules_name_the_values_that_break_them(helm: Helm, values: dict[str, Any], words: list[str]) -> None:
    done = helm("template", "tg", values=values)
    assert done.code != 0
    assert [word for word in words if word not in done.stderr] == []


@pytest.mark.parametrize(
    "values",
    [
        {"slots": [{"start": 18936, "count": 64}]},
        {"slots": [{"start": 19004, "count": 1}]},
        {"slots": [{"start": 65535, "count": 1}]},
        {"slots": [{"start": 1025, "count": 1}]},
        {"gateway": {"addresses": ["10.0.0.1", "fd00::1"]}},
        {"global": {"imageRegistry": "registry.example"}},
        {"envoy-gateway": {"deployment": {"replicas": 2}}},
        {"envoy": {"resources": {"limits": {"memory": "1Gi"}, "requests": {"cpu": 1}}}},
    ],
    ids=json.dumps,
)
def test_edges_are_accepted(helm: Helm, values: dict[str, Any]) -> None:
    done = helm("template", "tg", values=values)
    assert done.code == 0, done.stderr
