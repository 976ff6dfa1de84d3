"""The limit in every available release of Gateway API, in both channels, probed on a real API server."""

import os
from collections.abc import Iterator

import pytest

from task_gateway.crds import bundles, probe, runtime, schema
from task_gateway.errors import NotFound
from task_gateway.kube.client import Kube
from task_gateway.model import CelVariant
from task_gateway_lab.clusters import base

X_LISTENER_SETS = "xlistenersets.gateway.networking.x-k8s.io"
LISTENERS = schema.SPEC_LISTENERS
GATEWAY, LISTENER_SET, WITHOUT_PORTS = 213, 212, 304

RELEASES = [(version, channel) for version in bundles.KNOWN for channel in bundles.CHANNELS]
EXPECTED = [
    *((version, channel, schema.GATEWAYS, GATEWAY) for version, channel in RELEASES),
    *((version, "experimental", X_LISTENER_SETS, LISTENER_SET) for version in ("v1.3.0", "v1.4.0", "v1.4.1")),
    *(
        (version, channel, schema.LISTENER_SETS, LISTENER_SET)
        for version in ("v1.5.0", "v1.5.1", "v1.6.0", "v1.6.1", "v1.6.2", "v1.6.3", "v1.7.0")
        for channel in bundles.CHANNELS
    ),
]


@pytest.fixture(scope="module")
def kube() -> Iterator[Kube]:
    """A separate control plane, because CRDs are installed."""
    name = f"test-cel-bundles-{os.getpid()}"
    yield Kube(base.up("control-plane", base.ClusterRequest(name), say=print))
    base.down(name)


@pytest.fixture(scope="module", params=RELEASES, ids="-".join)
def bundle(request: pytest.FixtureRequest) -> bundles.Bundle:
    """A release, which is fetched and parsed once for all tests."""
    return bundles.fetch(*request.param)


def test_the_limits_of_a_release(kube: Kube, bundle: bundles.Bundle) -> None:
    for name, accepted in expected(bundle).items():
        crd = bundle.crds[name]
        found = probe.largest(kube, crd, LISTENERS)
        assert (name, found.accepted, found.at_least) == (name, accepted, False)
        assert ".port == l2.port" in found.binding
        assert found.requests <= 8
        points = {(each.max_items, each.factor is None) for each in found.points}
        assert points >= {(accepted, True), (accepted + 1, False)}
        assert {schema.max_items(crd, each, LISTENERS) for each in schema.versions(crd)} == {64}
        assert schema.bundle(crd) == (bundle.version, bundle.channel)
        with pytest.raises(NotFound):
            kube.get(schema.KIND, name)


def test_no_crd_with_listeners_is_left_out_of_the_table(bundle: bundles.Bundle) -> None:
    having = {
        name
        for name, crd in bundle.crds.items()
        if any(LISTENERS in schema.lists(crd, v) for v in schema.versions(crd))
    }
    assert having == set(expected(bundle))


def expected(bundle: bundles.Bundle) -> dict[str, int]:
    """Return the limit of each CRD of a release that has listeners."""
    key = (bundle.version, bundle.channel)
    return {name: accepted for version, channel, name, accepted in EXPECTED if (version, channel) == key}


def test_what_each_rule_of_the_newest_gateway_costs(kube: Kube) -> None:
    crd = bundles.fetch("v1.7.0", "standard").crds[schema.GATEWAYS]
    reports = probe.probe(kube, crd)
    assert [(each.version, each.declared_max_items, each.accepted_max_items) for each in reports] == [
        ("v1", 64, GATEWAY),
        ("v1beta1", 64, GATEWAY),
    ]
    names, ports = (each.text for each in schema.rules(crd, "v1", LISTENERS) if schema.is_quadratic(each))
    assert reports[0].variants == (
        CelVariant((ports,), WITHOUT_PORTS),
        CelVariant((names,), GATEWAY),
        CelVariant((ports, names), 476190),
    )


def test_the_limit_of_the_newest_gateway_at_run_time(kube: Kube) -> None:
    crd = bundles.fetch("v1.7.0", "standard").crds[schema.GATEWAYS]
    limit, writes = runtime.measure(kube, crd, "v1", LISTENERS, GATEWAY, writes=False)
    assert (limit, writes) == (445, ())
    with pytest.raises(NotFound):
        kube.get(schema.KIND, schema.GATEWAYS)
