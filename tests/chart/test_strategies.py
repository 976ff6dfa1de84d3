"""The chart and the library agree about each strategy: its template, its Service, and its rights."""

import json
from collections.abc import Callable
from pathlib import Path
from string import Template

import pytest
import yaml

from task_gateway.model import Manifest
from task_gateway.routing.strategies.base import STRATEGIES, in_order
from task_gateway.routing.strategies.traits import Traits

Render = Callable[..., list[Manifest]]
SCHEMA = Path(__file__).resolve().parents[2] / "charts" / "internal-task-gateway" / "values.schema.json"
WORDS = {"PORT": 20000, "TARGET_PORT": 80, "SET": 0, "NAMESPACE": "jobs", "TASK": "t", "OWNER": "o", "OBJECT": "x"}
WRITES = {"create", "update", "patch", "delete"}
EACH = pytest.mark.parametrize("traits", in_order(), ids=lambda each: each.name)


def test_the_schema_allows_every_strategy_and_the_rights_of_a_determined_master() -> None:
    rbac = json.loads(SCHEMA.read_text("utf-8"))["properties"]["rbac"]["properties"]
    assert sorted(rbac["strategies"]["items"]["enum"]) == sorted([*STRATEGIES.names(), "determined"])


@EACH
def test_the_template_is_what_the_traits_say(render: Render, traits: Traits) -> None:
    (config,) = render({"slots": [{"namespace": "tasks", "start": 20000, "count": 64}]}, show="configmap")
    parent, _, service = yaml.safe_load_all(Template(config["data"][f"{traits.name}.yaml"]).substitute(WORDS))
    assert (parent["kind"] == "Gateway") is traits.on_gateway
    assert (service["spec"].get("clusterIP") != "None") is traits.cluster_ip
    assert ("selector" in service["spec"]) is traits.per_task, "the selector of a slot is the claim"


@EACH
def test_the_role_grants_the_rights_of_the_traits_and_no_other_write(render: Render, traits: Traits) -> None:
    values = {"slots": [{"namespace": "tasks", "start": 20000, "count": 1}], "rbac": {"strategies": [traits.name]}}
    granted = {
        (verb, group, resource, role["metadata"]["namespace"] == "tasks")
        for role in render(values, show="role")
        for rule in role["rules"]
        for verb in rule["verbs"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }
    assert set(traits.rights) <= granted
    assert {each for each in granted if each[0] in WRITES} == {each for each in traits.rights if each.verb in WRITES}
