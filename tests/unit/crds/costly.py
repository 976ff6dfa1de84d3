"""A CRD with a list, and a simulated API server that computes the cost of its rules like the real one."""

from collections.abc import Callable
from typing import Any

from task_gateway.crds import schema
from task_gateway.errors import Cause, Invalid
from task_gateway.model import Manifest
from task_gateway.reasons import OverBudget

BUDGET = 10_000_000
PORTS = "self.all(a, self.exists_one(b, a.port == b.port))"
NAMES = "self.all(a, self.exists_one(b, a.name == b.name))"
LINEAR = "self.all(a, a.port > 0)"
COSTS: dict[str, Callable[[int], float]] = {
    PORTS: lambda n: 220.03 * n * n,
    NAMES: lambda n: 108 * n * n,
    LINEAR: lambda n: 21 * n,
}


class CostlyServer:
    """Answers dry runs of CRDs with the cost of their rules by `COSTS`; keeps what it was asked."""

    server = "https://192.0.2.1"

    def __init__(self) -> None:
        self.asked: list[Manifest] = []

    def apply(self, obj: Manifest, *, field_manager: str, dry_run: bool) -> Manifest:
        assert dry_run
        assert field_manager == "task-gateway-probe"
        self.asked.append(obj)
        causes = [cause for number in range(len(obj["spec"]["versions"])) for cause in _causes(obj, number)]
        if causes:
            raise Invalid("is invalid", status=422, causes=tuple(causes))
        return obj

    @property
    def numbers(self) -> list[int | None]:
        """The maxItems of each question, in the first version."""
        return [schema.max_items(each, schema.versions(each)[0], "spec.listeners") for each in self.asked]


def _causes(crd: Manifest, number: int) -> list[Cause]:
    version = schema.versions(crd)[number]
    items = schema.max_items(crd, version, "spec.listeners") or 0
    place = f"spec.versions[{number}].schema.openAPIV3Schema.properties[spec].properties[listeners].{schema.RULES}"
    found = []
    for index, rule in enumerate(schema.rules(crd, version, "spec.listeners")):
        factor = COSTS[rule.text](items) / BUDGET
        if factor > 1:
            told = OverBudget(None if factor > 100 else round(factor, 6 if factor < 1.5 else 1))
            found.append(Cause(f"{place}[{index}].rule", "FieldValueForbidden", "too costly", told))
    return found


def version(name: str, *rules: str, max_items: int | None = 64, description: str = "") -> dict[str, Any]:
    listeners: dict[str, Any] = {
        "type": "array",
        "items": {"type": "object", "properties": {"name": {"type": "string", "maxLength": 253}}},
    }
    if max_items is not None:
        listeners["maxItems"] = max_items
    if rules:
        listeners[schema.RULES] = [{"rule": rule} for rule in rules]
    root = {
        "type": "object",
        "description": description,
        "properties": {"spec": {"type": "object", "properties": {"listeners": listeners}}},
    }
    return {"name": name, "served": True, "schema": {"openAPIV3Schema": root}}


def crd(*versions: dict[str, Any]) -> Manifest:
    notes = {schema.BUNDLE_VERSION: "v9.9.9", schema.CHANNEL: "standard"}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": schema.GATEWAYS, "annotations": notes, "resourceVersion": "7", "managedFields": []},
        "spec": {
            "group": "gateway.networking.k8s.io",
            "names": {"kind": "Gateway", "plural": "gateways"},
            "versions": list(versions),
        },
        "status": {"storedVersions": ["v1"]},
    }
