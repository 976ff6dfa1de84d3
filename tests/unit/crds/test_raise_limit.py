"""Raising and restoring before any write: missing CRDs, invalid numbers, the policy's file."""

from pathlib import Path
from typing import cast

import pytest
from tests.unit.crds.test_edit import UNIQUE, crd, version

from task_gateway.crds import limit_status, ports_policy, raise_limit, restore, schema
from task_gateway.errors import NotFound, UsageError
from task_gateway.kube.client import Kube
from task_gateway.model import Manifest


class FakeCluster:
    """An API server that has some objects by name, and takes no write."""

    server = "https://cluster"

    def __init__(self, *objects: Manifest) -> None:
        self.objects = {each["metadata"]["name"]: each for each in objects}

    def get(self, kind: str, name: str, namespace: str | None = None) -> Manifest:
        if name not in self.objects:
            raise NotFound(f"{kind} {name} not found", status=404)
        return self.objects[name]


def cluster(*objects: Manifest) -> Kube:
    return cast(Kube, FakeCluster(*objects))


def gateways_crd() -> Manifest:
    return crd(
        version("v1", 213, 64, UNIQUE),
        version("v1beta1", 213, 64),
        annotations={schema.BUNDLE_VERSION: "v1.7.0", schema.CHANNEL: "standard"},
    )


@pytest.mark.parametrize("call", [lambda kube: raise_limit.raise_to(kube, 100), restore.restore, limit_status.state])
def test_a_cluster_without_gateway_api_is_told_how_to_get_it(call: object) -> None:
    with pytest.raises(NotFound, match="Gateway API is not installed") as missing:
        call(cluster())  # type: ignore[operator]
    assert "helm install gateway-api-crds" in str(missing.value.hint)
    assert schema.GATEWAYS in str(missing.value.where)


def test_a_gateway_has_at_least_one_listener() -> None:
    with pytest.raises(UsageError, match="at least one listener, not 0"):
        raise_limit.raise_to(cluster(), 0)


def test_the_state_has_every_version_and_both_policies() -> None:
    safe = {"metadata": {"name": limit_status.SAFE_UPGRADES}}
    found = limit_status.state(cluster(gateways_crd(), safe))
    assert (found.ports_policy, found.safe_upgrades_policy) == (False, True)
    (gateways,) = found.crds
    assert (gateways.bundle, gateways.channel, gateways.helm_release) == ("v1.7.0", "standard", None)
    assert gateways.versions == (
        limit_status.VersionState("v1", True, 213, 64, 1),
        limit_status.VersionState("v1beta1", True, 213, 64, 0),
    )


def test_the_state_tells_of_our_policy_and_of_listener_sets() -> None:
    sets = {**gateways_crd(), "metadata": {"name": schema.LISTENER_SETS}}
    found = limit_status.state(cluster(gateways_crd(), sets, {"metadata": {"name": ports_policy.NAME}}))
    assert found.ports_policy
    assert [each.crd for each in found.crds] == [schema.GATEWAYS, schema.LISTENER_SETS]


def test_the_policy_and_its_binding_belong_together() -> None:
    policy, binding = ports_policy.manifests()
    assert [f"{each['apiVersion']}/{each['kind']}" for each in (policy, binding)] == list(ports_policy.KINDS)
    assert {each["metadata"]["name"] for each in (policy, binding)} == {ports_policy.NAME}
    assert binding["spec"]["policyName"] == ports_policy.NAME


def test_the_policy_refuses_and_does_not_look_at_a_status() -> None:
    policy, binding = ports_policy.manifests()
    assert policy["spec"]["failurePolicy"] == "Fail"
    assert binding["spec"]["validationActions"] == ["Deny"]
    (rule,) = policy["spec"]["matchConstraints"]["resourceRules"]
    assert rule["resources"] == ["gateways"]


def test_the_policy_is_part_of_the_package() -> None:
    assert ports_policy.FILE.parent == Path(ports_policy.__file__).parent
    assert ports_policy.FILE.suffix == ".yaml"
