"""The probe on made-up CRDs and on servers that refuse: each refusal has its type, and nothing is changed."""

import copy
import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.apiserver.planes import BUNDLE
from typer.testing import CliRunner

from task_gateway.cli.main import build
from task_gateway.crds import bundles, probe, runtime, schema
from task_gateway.errors import (
    ClusterUnreachable,
    DeniedByPolicy,
    Forbidden,
    InvalidCrd,
    NotApproved,
    UsageError,
)
from task_gateway.kube.client import Kube
from task_gateway.model import Cluster, Manifest
from task_gateway_lab.clusters import base

QUADRATIC = "self.all(a, self.exists_one(b, a.name == b.name))"
LINEAR = "self.all(a, a.name.startsWith('abc') || a.name.matches('^[a-z]+$'))"
ITEMS = {"type": "object", "properties": {"name": {"type": "string", "maxLength": 63}}}
UNBOUNDED: Manifest = {"type": "array", "items": {"type": "string"}}


@pytest.fixture(scope="module")
def kube() -> Iterator[Kube]:
    """A separate control plane, because CRDs and policies are installed."""
    name = f"test-cel-{os.getpid()}"
    yield Kube(base.up("control-plane", base.ClusterRequest(name), say=print))
    base.down(name)


def listing(*rules: str, max_items: int | None = 64, items: Manifest = ITEMS) -> Manifest:
    made: Manifest = {"type": "array", "items": copy.deepcopy(items)}
    if max_items is not None:
        made["maxItems"] = max_items
    if rules:
        made[schema.RULES] = [{"rule": rule} for rule in rules]
    return made


def version(name: str, spec: Manifest, *rules: str) -> Manifest:
    made: Manifest = {"type": "object", "properties": spec}
    if rules:
        made[schema.RULES] = [{"rule": rule} for rule in rules]
    root = {"type": "object", "properties": {"spec": made}}
    return {"name": name, "served": True, "storage": name == "v1", "schema": {"openAPIV3Schema": root}}


def crd(*versions: Manifest, group: str = "cel.example.com") -> Manifest:
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"things.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"plural": "things", "singular": "thing", "kind": "Thing", "listKind": "ThingList"},
            "versions": list(versions),
        },
    }


def one(*rules: str, **options: Any) -> Manifest:
    return crd(version("v1", {"things": listing(*rules, **options)}))


def verified(kube: Kube, made: Manifest, path: str = "spec.things") -> probe.ProbeResult:
    """Return the result of the probe, after a check of the number and the next one."""
    found = probe.largest(kube, made, path)
    assert probe.ask(kube, made, path, found.accepted) is None
    assert found.at_least or probe.ask(kube, made, path, found.accepted + 1) is not None
    return found


def test_without_rules_nothing_refuses(kube: Kube) -> None:
    found = verified(kube, one())
    assert (found.accepted, found.at_least, found.binding) == (probe.CEILING, True, "")


def test_a_linear_rule(kube: Kube) -> None:
    found = verified(kube, one(LINEAR))
    assert found.accepted > 100_000
    assert (found.binding, found.requests <= 8) == (LINEAR, True)


def test_a_quadratic_rule(kube: Kube) -> None:
    found = verified(kube, one(LINEAR, QUADRATIC))
    assert 100 < found.accepted < 1000
    assert (found.binding, found.requests <= 8) == (QUADRATIC, True)


def test_a_rule_on_the_parent_that_walks_the_list(kube: Kube) -> None:
    rule = "!has(self.things) || self.things.all(a, self.things.exists_one(b, a.name == b.name))"
    found = verified(kube, crd(version("v1", {"things": listing()}, rule)))
    assert found.accepted < 1000
    assert found.binding == rule


def test_a_rule_on_the_items(kube: Kube) -> None:
    items = {**ITEMS, schema.RULES: [{"rule": "self.name.matches('^[a-z]+$')"}]}
    found = verified(kube, one(items=items))
    assert found.accepted > 10_000
    assert found.binding.startswith("self.name.matches")


def test_a_list_inside_a_list(kube: Kube) -> None:
    inner = {"type": "object", "properties": {"members": listing(QUADRATIC, max_items=8)}}
    found = verified(kube, crd(version("v1", {"groups": listing(items=inner, max_items=16)})), "spec.groups.members")
    alone = verified(kube, one(QUADRATIC))
    assert found.binding == QUADRATIC
    assert found.accepted == pytest.approx(alone.accepted / 4, abs=2), "sixteen lists share the budget"


def test_the_outer_list_of_a_list(kube: Kube) -> None:
    inner = {"type": "object", "properties": {"members": listing(QUADRATIC, max_items=64)}}
    found = verified(kube, crd(version("v1", {"groups": listing(items=inner, max_items=16)})), "spec.groups")
    assert found.binding == QUADRATIC
    assert found.accepted < 100


def test_a_list_without_a_bound(kube: Kube) -> None:
    unbound = verified(kube, one(QUADRATIC, max_items=None))
    assert unbound.accepted == verified(kube, one(QUADRATIC)).accepted
    assert unbound.points[0].max_items == probe.FIRST


def test_a_declared_number_that_is_refused_itself(kube: Kube) -> None:
    found = verified(kube, one(QUADRATIC, max_items=100_000))
    assert found.accepted == verified(kube, one(QUADRATIC)).accepted
    assert found.points[0].factor is None
    assert found.points[0].rule == QUADRATIC


def test_many_rules_that_fit_alone_are_too_much_together(kube: Kube) -> None:
    rules = [f"self.all(a, a.name.matches('^[a-{last}]+$'))" for last in "bcdefghijklmnopqrst"]
    found = verified(kube, one(*rules))
    refusal = probe.ask(kube, one(*rules), "spec.things", found.accepted + 1)
    assert refusal is not None
    assert all(each.total for each in refusal.excesses), "no rule is over its own budget"
    assert set(refusal.rule.splitlines()) <= {*rules}


def test_versions_with_different_rules(kube: Kube) -> None:
    both = crd(version("v1", {"things": listing(QUADRATIC)}), version("v2", {"things": listing(LINEAR)}))
    first, second = probe.probe(kube, both, "spec.things")
    assert (first.version, second.version) == ("v1", "v2")
    assert first.accepted_max_items < 1000 < second.accepted_max_items
    assert probe.largest(kube, both, "spec.things").accepted == first.accepted_max_items


def test_a_crd_that_is_refused_at_any_length(kube: Kube) -> None:
    costly = {"others": {**UNBOUNDED, schema.RULES: [{"rule": "self.all(a, self.exists_one(b, a == b))"}]}}
    with pytest.raises(UsageError, match="even with maxItems 1"):
        probe.largest(kube, crd(version("v1", {"things": listing(), **costly})), "spec.things")


def test_a_crd_without_that_list(kube: Kube) -> None:
    with pytest.raises(UsageError) as caught:
        probe.probe(kube, one())
    assert caught.value.hint == "--path with one of: spec.things"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"type": "sequence"}, r"Unsupported value: .?sequence"),
        ({schema.RULES: [{"rule": "self.nothing"}]}, "compilation failed"),
        ({"items": None}, "items"),
    ],
)
def test_an_invalid_crd_is_no_cost_refusal(kube: Kube, change: Manifest, message: str) -> None:
    other = {"others": {**UNBOUNDED, **change}}
    with pytest.raises(InvalidCrd, match=message) as caught:
        probe.probe(kube, crd(version("v1", {"things": listing(QUADRATIC), **other})), "spec.things")
    assert caught.value.status == 422


def test_a_protected_group_without_its_annotation(kube: Kube) -> None:
    with pytest.raises(NotApproved) as caught:
        probe.probe(kube, crd(version("v1", {"things": listing()}), group="things.k8s.io"), "spec.things")
    assert "api-approved.kubernetes.io" in str(caught.value.hint)


def test_a_user_without_the_right(kube: Kube, tmp_path: Path) -> None:
    config = yaml.safe_load(kube.cluster.kubeconfig.read_text())
    config["users"][0]["user"]["as"] = "ada"
    file = tmp_path / "kubeconfig"
    file.write_text(yaml.safe_dump(config))
    with pytest.raises(Forbidden) as caught:
        probe.probe(Kube(Cluster("anyone", "existing", file)), one(), "spec.things")
    assert type(caught.value) is Forbidden
    assert "cannot patch resource" in caught.value.message
    assert "kubectl auth can-i patch" in str(caught.value.hint)


def test_a_server_that_does_not_answer(kube: Kube, tmp_path: Path) -> None:
    config = yaml.safe_load(kube.cluster.kubeconfig.read_text())
    config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    file = tmp_path / "kubeconfig"
    file.write_text(yaml.safe_dump(config))
    with pytest.raises(ClusterUnreachable):
        probe.probe(Kube(Cluster("nowhere", "existing", file)), one(), "spec.things")
    result = CliRunner().invoke(build(), ["cel", "--kubeconfig", str(file)])
    assert isinstance(result.exception, ClusterUnreachable)


def test_a_crd_that_the_server_has_stays_as_it_is(kube: Kube) -> None:
    made = one(QUADRATIC)
    with runtime.installed(kube, made, "v1"):
        before = kube.get(schema.KIND, made["metadata"]["name"])
        reports = probe.probe(kube, before, "spec.things", curve=True)
        assert reports[0].accepted_max_items > 64
        assert kube.get(schema.KIND, made["metadata"]["name"]) == before


def test_the_live_crds_of_a_cluster_are_asked_about(kube: Kube) -> None:
    crd = bundles.fetch(BUNDLE, "standard").crds[schema.GATEWAYS]
    with runtime.installed(kube, crd, "v1"):
        result = CliRunner().invoke(build(), ["cel", "--kubeconfig", str(kube.cluster.kubeconfig)])
    assert result.exit_code == 0
    assert "213 [1]" in result.stdout
    assert f"{BUNDLE}  standard" in result.stdout


def test_an_admission_policy_that_says_no(kube: Kube) -> None:
    newest, older = (bundles.fetch(version, "standard") for version in ("v1.7.0", "v1.0.0"))
    with runtime.installed(kube, newest.crds[schema.GATEWAYS], "v1"):
        for policy in newest.policies:
            kube.apply(policy)
        try:
            denied = _denied(kube, older.crds[schema.GATEWAYS])
            assert "ValidatingAdmissionPolicy 'safe-upgrades" in denied.message
            assert "--control-plane" in str(denied.hint)
            live = kube.get(schema.KIND, schema.GATEWAYS)
            assert probe.largest(kube, live, schema.SPEC_LISTENERS).accepted == 213, "its own bundle it lets through"
        finally:
            for policy in newest.policies:
                kube.delete(f"{policy['apiVersion']}/{policy['kind']}", policy["metadata"]["name"])


def _denied(kube: Kube, crd: Manifest) -> DeniedByPolicy:
    """Repeat the dry run until the API server applies its policy, which no object reports."""
    for _ in itertools.repeat(None):
        try:
            probe.ask(kube, crd, schema.SPEC_LISTENERS, 64)
        except DeniedByPolicy as problem:
            return problem
    raise AssertionError
