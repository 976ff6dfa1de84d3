"""Checks of pod security, public addresses and rights, in states that are hard to create in a cluster."""

from typing import Any

import pytest
from tests.unit.checks.objects import Make

from task_gateway.checks import security
from task_gateway.checks.base import Finding
from task_gateway.kube.client import Kube
from task_gateway.model import Manifest


@pytest.mark.parametrize(
    ("container", "pod", "right"),
    [
        ({"allowPrivilegeEscalation": False, "runAsNonRoot": True, "capabilities": {"drop": ["ALL"]}}, {}, True),
        (
            {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
            {"securityContext": {"runAsNonRoot": True}},
            True,
        ),
        ({"runAsNonRoot": True, "capabilities": {"drop": ["ALL"]}}, {}, False),
        ({"allowPrivilegeEscalation": False, "runAsNonRoot": True}, {}, False),
        ({"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}, {}, False),
        (
            {"allowPrivilegeEscalation": False, "runAsNonRoot": True, "capabilities": {"drop": ["ALL"]}},
            {"hostNetwork": True},
            False,
        ),
    ],
)
def test_what_restricted_means(snapshot: Make, container: Manifest, pod: Manifest, right: bool) -> None:
    spec = {"containers": [{"name": "envoy", "securityContext": container}], **pod}
    proxy = {"metadata": {"name": "proxy"}, "spec": {"template": {"spec": spec}}}
    said = security.restricted(snapshot(proxies=[proxy]))
    assert said == (None if right else Finding("container envoy of proxy", warning=True))


@pytest.mark.parametrize(
    ("address", "service", "right"),
    [
        ("192.0.2.7", {"type": "LoadBalancer"}, True),
        ("10.1.2.3", {"type": "LoadBalancer"}, True),
        ("8.8.8.8", {"type": "LoadBalancer"}, False),
        ("8.8.8.8", {"type": "LoadBalancer", "loadBalancerSourceRanges": ["192.0.2.0/24"]}, True),
        ("8.8.8.8", {"type": "ClusterIP"}, True),
    ],
)
def test_public_addresses_want_source_ranges(
    snapshot: Make, monkeypatch: pytest.MonkeyPatch, address: str, service: Manifest, right: bool
) -> None:
    monkeypatch.setattr(security, "resolve", lambda _: {address})
    said = security.source_ranges(snapshot(proxy_services=[{"metadata": {"name": "envoy"}, "spec": service}]))
    assert said == (
        None if right else Finding(f"{address} is public and Service envoy has no source ranges", warning=True)
    )


@pytest.mark.parametrize(
    ("strategy", "chart", "wanted"),
    [
        ("slots", {}, "get gateways gw ns, get configmaps gw-task-routing-templates ns, get services  ns, "
         "list services  ns, patch services  ns, list endpointslices  ns"),
        ("listeners", None, "get gateways gw ns, update gateways gw ns, list services  ns, create services  ns, "
         "delete services  ns, list tcproutes  ns, create tcproutes  ns, delete tcproutes  ns, list pods  ns, "
         "watch pods  ns, delete pods  ns, get pods  ns, create jobs  ns, watch jobs  ns, delete jobs  ns, "
         "list configmaps  ns, create configmaps  ns, delete configmaps  ns, list events  ns, watch events  ns, "
         "list jobs  , list nodes  , watch nodes  , patch nodes  "),
    ],
)  # fmt: skip
def test_rights_are_asked_for_as_the_strategy_needs_them(
    snapshot: Make, monkeypatch: pytest.MonkeyPatch, strategy: str, chart: Any, wanted: str
) -> None:
    asked = []

    def create(_self: Kube, review: Manifest) -> Manifest:
        one = review["spec"]["resourceAttributes"]
        asked.append(" ".join((one["verb"], one["resource"], one["name"], one["namespace"])))
        return {"status": {"allowed": (one["verb"], one["resource"]) != ("patch", "services")}}

    monkeypatch.setattr(Kube, "create", create)
    monkeypatch.setattr(security, "grant", lambda _: "")
    said = security.rights(snapshot(strategy, chart=chart))
    assert ", ".join(asked) == wanted
    assert said == (Finding("missing: patch services in ns") if strategy == "slots" else None)


@pytest.mark.parametrize(("chart", "missing"), [({}, None), ({"claimRight": "true"}, "missing: claim slots in ns")])
def test_the_right_to_claim_is_required_where_policies_require_it(
    snapshot: Make, monkeypatch: pytest.MonkeyPatch, chart: Manifest, missing: str | None
) -> None:
    def create(_self: Kube, review: Manifest) -> Manifest:
        asked = review["spec"]["resourceAttributes"]
        return {"status": {"allowed": (asked["verb"], asked["group"]) != ("claim", "task-gateway.dev")}}

    monkeypatch.setattr(Kube, "create", create)
    monkeypatch.setattr(security, "grant", lambda _: "helm upgrade")
    said = security.rights(snapshot("slots", chart=chart))
    assert said == (None if missing is None else Finding(missing, fix="helm upgrade"))
