"""Raising and restoring on a real API server: a refusal changes nothing, an accepted limit applies to objects."""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from tests.apiserver.planes import BUNDLE

from task_gateway.crds import apply, bundles, edit, limit_status, ports_policy, schema
from task_gateway.crds.raise_limit import UNGUARDED, raise_to
from task_gateway.crds.restore import restore
from task_gateway.errors import (
    ApiError,
    Conflict,
    DeniedByPolicy,
    Forbidden,
    Invalid,
    NotFound,
    TaskGatewayError,
    UsageError,
)
from task_gateway.kube.client import Kube
from task_gateway.kube.wait import condition, wait_for
from task_gateway.model import Manifest
from task_gateway.settings import Wait
from task_gateway_lab.clusters import base

GATEWAY = "gateway.networking.k8s.io/v1/Gateway"
ESTABLISHED = Wait("crd-established", "the CRD is served", 30)
NEWEST = "v1.7.0"
HEEDED_SECONDS = 20
Fresh = Callable[..., Kube]


@pytest.fixture(scope="module")
def plane() -> Iterator[Kube]:
    """A separate control plane for this file, because it changes the CRD that other tests use."""
    name = f"test-raise-{os.getpid()}"
    yield Kube(base.up("control-plane", base.ClusterRequest(name), say=print))
    base.down(name)


@pytest.fixture
def fresh(plane: Kube) -> Fresh:
    """Return a function that reinstalls the Gateway CRD of a release, without Gateways and our policy."""

    def call(version: str = NEWEST, channel: str = "standard") -> Kube:
        bundle = bundles.fetch(version, channel)
        ports_policy.delete(plane)
        upstream = bundle.crds[schema.GATEWAYS]
        try:
            version_now = plane.get(schema.KIND, schema.GATEWAYS)["metadata"]["resourceVersion"]
        except NotFound:
            plane.create(upstream)
        else:
            for each in plane.list(GATEWAY):
                plane.delete(GATEWAY, each["metadata"]["name"], each["metadata"]["namespace"])
            metadata = {**upstream["metadata"], "resourceVersion": version_now, "managedFields": [{}]}
            eventually(lambda: plane.replace({**upstream, "metadata": metadata}))
        wait_for(plane, ESTABLISHED, schema.KIND, schema.GATEWAYS, None, condition("Established"))
        return plane

    return call


def listeners(count: int) -> list[Manifest]:
    return [{"name": f"p-{20000 + each}", "port": 20000 + each, "protocol": "TCP"} for each in range(count)]


def gateway(items: list[Manifest]) -> Manifest:
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "Gateway",
        "metadata": {"name": "many", "namespace": "default"},
        "spec": {"gatewayClassName": "none", "listeners": items},
    }


def eventually(call: Callable[[], Manifest]) -> Manifest:
    """Repeat a request until it is accepted, because a changed CRD or policy applies a moment later."""
    deadline = time.monotonic() + HEEDED_SECONDS
    while True:
        try:
            return call()
        except (Invalid, NotFound):
            if time.monotonic() > deadline:
                raise


def refusal(call: Callable[[], object]) -> str:
    """Repeat a dry run until it is refused, and return the message."""
    deadline = time.monotonic() + HEEDED_SECONDS
    while time.monotonic() < deadline:
        try:
            call()
        except ApiError as refused:
            return f"{refused.message} {refused.hint}"
    return "was never refused"


def crd(kube: Kube) -> Manifest:
    return kube.get(schema.KIND, schema.GATEWAYS)


def bounds(kube: Kube) -> set[tuple[int | None, int | None]]:
    """Return all pairs of maxItems in spec and status over the versions."""
    (found,) = [each for each in limit_status.state(kube).crds if each.crd == schema.GATEWAYS]
    assert len(found.versions) == 2
    return {(each.spec_max_items, each.status_max_items) for each in found.versions}


def managers(kube: Kube) -> set[str]:
    return {each["manager"] for each in crd(kube)["metadata"]["managedFields"]}


def test_a_raised_gateway_takes_as_many_listeners_and_as_many_statuses(fresh: Fresh) -> None:
    kube = fresh()
    before = crd(kube)
    change = raise_to(kube, 213)
    assert (change.changed, change.ports_policy, change.notes) == (True, "", ())
    assert (
        change.diff.count("+                maxItems: 213") == change.diff.count("-                maxItems: 64") == 4
    )
    assert bounds(kube) == {(213, 213)}
    assert crd(kube)["metadata"]["annotations"] == before["metadata"]["annotations"]
    assert edit.raised(before, 213, drop=False)["spec"] == crd(kube)["spec"]

    made = kube.create(gateway(listeners(213)))  # immediately, because the raise waits until it applies
    statuses = [{"name": each["name"], "attachedRoutes": 0, "conditions": []} for each in listeners(213)]
    written = kube.replace({**made, "status": {"listeners": statuses}}, subresource="status")
    assert len(written["status"]["listeners"]) == 213
    with pytest.raises(Invalid, match="at most 213 items"):
        kube.replace({**written, "spec": gateway(listeners(214))["spec"]})


def test_one_too_many_is_refused_by_us_and_nothing_is_written(fresh: Fresh) -> None:
    kube = fresh()
    before = crd(kube)
    with pytest.raises(UsageError, match=r"at most 213 listeners in this CRD, not 214") as refused:
        raise_to(kube, 214)
    assert "--max-listeners 213; or --drop-quadratic-rules: " in str(refused.value.hint)
    assert crd(kube)["metadata"] == before["metadata"]
    assert not ports_policy.present(kube)


def test_more_than_any_rule_allows_is_refused_too(fresh: Fresh) -> None:
    kube = fresh()
    before = crd(kube)
    with pytest.raises(UsageError, match="not 1000000") as refused:
        raise_to(kube, 1_000_000, drop=True)
    assert str(refused.value.hint).endswith(" --drop-quadratic-rules")
    assert crd(kube)["metadata"] == before["metadata"]
    assert not ports_policy.present(kube)


def test_without_the_quadratic_rules_ports_and_names_stay_unique(fresh: Fresh) -> None:
    kube = fresh()
    change = raise_to(kube, 1000, drop=True)
    assert change.ports_policy == "added"
    assert bounds(kube) == {(1000, 1000)}
    eventually(lambda: kube.create(gateway(listeners(1000))))
    kube.delete(GATEWAY, "many", "default")

    twice = [*listeners(2), {"name": "other", "port": 20000, "protocol": "TCP"}]
    assert "20000 TCP already exists" in refusal(lambda: kube.create(gateway(twice), dry_run=True))
    same_name = [*listeners(2), {"name": "p-20000", "port": 1, "protocol": "TCP"}]
    with pytest.raises(Invalid, match="Duplicate value"):
        kube.create(gateway(same_name))
    hosts: list[Manifest] = [
        {"name": "a", "port": 443, "protocol": "HTTP", "hostname": "a.example.com"},
        {"name": "b", "port": 443, "protocol": "HTTP", "hostname": "b.example.com"},
        {"name": "c", "port": 443, "protocol": "HTTP"},
        {"name": "d", "port": 443, "protocol": "UDP"},
    ]
    kube.create(gateway(hosts))
    with pytest.raises(Invalid, match=r"443 HTTP b\.example\.com already exists"):
        kube.patch(GATEWAY, "many", "default", {"spec": {"listeners": [*hosts, {**hosts[1], "name": "e"}]}})


def test_the_policy_lets_be_what_was_there_before_it(fresh: Fresh) -> None:
    kube = fresh()
    live = crd(kube)
    apply.apply(kube, live, edit.raised(live, 100, drop=True))
    eventually(lambda: kube.create(gateway([*listeners(2), {"name": "other", "port": 20000, "protocol": "TCP"}])))
    assert raise_to(kube, 100).notes == (UNGUARDED,)
    assert raise_to(kube, 100, drop=True).ports_policy == "added"
    present = kube.get(GATEWAY, "many", "default")
    other = {**present, "spec": {**present["spec"], "gatewayClassName": "other"}}
    assert "already exists" in refusal(lambda: kube.replace(other, dry_run=True))
    kube.patch(GATEWAY, "many", "default", {"metadata": {"labels": {"colour": "red"}}})
    kube.patch(GATEWAY, "many", "default", {"spec": {"listeners": listeners(2)}})


def test_a_restored_crd_is_upstreams_and_nobody_elses_fields_are_touched(fresh: Fresh) -> None:
    kube = fresh()
    kube.patch(
        schema.KIND, schema.GATEWAYS, None, {"metadata": {"labels": {"team": "a"}, "annotations": {"note": "b"}}}
    )
    before = crd(kube)
    raise_to(kube, 1000, drop=True)
    eventually(lambda: kube.create(gateway(listeners(65))))
    raised_crd = crd(kube)
    with pytest.raises(TaskGatewayError, match=r"1 Gateway has more than 64 listeners: default/many \(65\)"):
        restore(kube)
    assert crd(kube)["metadata"] == raised_crd["metadata"]
    assert ports_policy.present(kube)

    kube.delete(GATEWAY, "many", "default")
    assert restore(kube, dry_run=True).ports_policy == "removed"
    assert crd(kube)["metadata"] == raised_crd["metadata"]
    change = restore(kube)
    assert (change.changed, change.ports_policy) == (True, "removed")
    after = crd(kube)
    assert after["spec"] == before["spec"]
    for key in ("labels", "annotations"):
        assert after["metadata"][key] == before["metadata"][key]
    assert not ports_policy.present(kube)
    assert apply.MANAGER not in managers(kube)
    assert not restore(kube).changed
    assert crd(kube)["metadata"] == after["metadata"]


def test_lowering_below_what_a_gateway_has_is_refused(fresh: Fresh) -> None:
    kube = fresh()
    raise_to(kube, 100)
    eventually(lambda: kube.create(gateway(listeners(80))))
    before = crd(kube)
    with pytest.raises(TaskGatewayError, match=r"more than 79 listeners: default/many \(80\)"):
        raise_to(kube, 79)
    assert crd(kube)["metadata"] == before["metadata"]
    raise_to(kube, 80)
    assert bounds(kube) == {(80, 80)}


def test_a_raise_of_spec_alone_is_repaired(fresh: Fresh) -> None:
    kube = fresh()
    live = crd(kube)
    apply.apply(kube, live, schema.with_max_items(live, schema.SPEC_LISTENERS, 150))
    assert bounds(kube) == {(150, 64)}
    change = raise_to(kube, 150)
    assert "status:" in change.diff
    assert "spec:\n                 listeners" not in change.diff
    assert bounds(kube) == {(150, 150)}


@pytest.mark.parametrize(("version", "channel"), [("v1.0.0", "standard"), (NEWEST, "experimental")])
def test_other_bundles_can_be_raised_and_restored(fresh: Fresh, version: str, channel: str) -> None:
    kube = fresh(version, channel)
    before = crd(kube)
    with pytest.raises(UsageError, match="at most 213"):
        raise_to(kube, 214)
    raise_to(kube, 213)
    assert bounds(kube) == {(213, 213)}
    raise_to(kube, 1000, drop=True)
    assert bounds(kube) == {(1000, 1000)}
    assert not edit.has_quadratic_rules(crd(kube))
    restore(kube)
    assert crd(kube)["spec"] == before["spec"]


def test_what_is_so_already_is_not_written(fresh: Fresh) -> None:
    kube = fresh()
    before = crd(kube)
    assert not raise_to(kube, 64).changed
    assert crd(kube)["metadata"] == before["metadata"]
    raise_to(kube, 70, drop=True)
    before = crd(kube)
    assert not raise_to(kube, 70, drop=True).changed
    assert not raise_to(kube, 70).changed
    assert crd(kube)["metadata"] == before["metadata"]


def test_a_dry_run_shows_the_change_and_makes_none(fresh: Fresh) -> None:
    kube = fresh()
    before = crd(kube)
    change = raise_to(kube, 500, drop=True, dry_run=True)
    assert (change.dry_run, change.ports_policy) == (True, "added")
    assert "Listener name must be unique within the Gateway" in change.diff
    assert crd(kube)["metadata"] == before["metadata"]
    assert not ports_policy.present(kube)


def test_a_change_by_somebody_else_meanwhile_is_not_overwritten(fresh: Fresh) -> None:
    kube = fresh()
    stale = crd(kube)
    kube.patch(schema.KIND, schema.GATEWAYS, None, {"metadata": {"labels": {"colour": "red"}}})
    apply.apply(kube, stale, edit.raised(stale, 100, drop=False))
    assert crd(kube)["metadata"]["labels"] == {"colour": "red"}
    with pytest.raises(Conflict):
        apply.apply(kube, stale, edit.raised(stale, 120, drop=False))
    assert bounds(kube) == {(100, 100)}


def test_upstreams_policy_on_upgrades_is_told_of_and_its_refusal_explained(fresh: Fresh) -> None:
    kube = fresh(BUNDLE)
    policies = {version: bundles.fetch(version, "standard").policies for version in (BUNDLE, NEWEST)}
    for each in policies[BUNDLE]:
        kube.create(each)
    assert limit_status.state(kube).safe_upgrades_policy
    assert raise_to(kube, 100).notes == (f"the policy {limit_status.SAFE_UPGRADES} is installed and allows this",)
    before = crd(kube)
    for each in policies[NEWEST]:
        kube.apply(each)
    said = refusal(lambda: raise_to(kube, 101, dry_run=True))
    assert "before v1.7.0 is prohibited" in said
    assert f"kubectl delete validatingadmissionpolicybinding {limit_status.SAFE_UPGRADES}" in said
    with pytest.raises(DeniedByPolicy, match="prohibited"):
        raise_to(kube, 101, drop=True)
    assert crd(kube)["metadata"] == before["metadata"]
    assert not ports_policy.present(kube)

    for kind in reversed(ports_policy.KINDS):
        kube.delete(kind, limit_status.SAFE_UPGRADES)
    eventually(lambda: kube.apply({**before, "metadata": {"name": schema.GATEWAYS}}, dry_run=True))


def test_a_crd_that_does_not_say_its_bundle_cannot_be_restored(fresh: Fresh) -> None:
    kube = fresh()
    kube.patch(schema.KIND, schema.GATEWAYS, None, {"metadata": {"annotations": {schema.BUNDLE_VERSION: None}}})
    with pytest.raises(UsageError, match="no annotations that name its release"):
        restore(kube)


def test_whoever_may_only_read_is_told_which_right_is_missing(fresh: Fresh, tmp_path: Path) -> None:
    kube = fresh()
    rbac = "rbac.authorization.k8s.io/v1"
    role: Manifest = {"apiVersion": rbac, "kind": "ClusterRole", "metadata": {"name": "reader"}}
    rules = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list"]}]
    binding = {
        "apiVersion": rbac,
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "reader"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "reader"},
        "subjects": [{"kind": "User", "name": "reader"}],
    }
    kube.create({**role, "rules": rules})
    kube.create(binding)
    content = yaml.safe_load(kube.cluster.kubeconfig.read_text())
    content["users"][0]["user"]["as"] = "reader"
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(content))
    reader = Kube(replace(kube.cluster, kubeconfig=tmp_path / "kubeconfig"))
    with pytest.raises(Forbidden) as refused:
        raise_to(reader, 100)
    assert refused.value.hint == "kubectl auth can-i patch customresourcedefinitions"
