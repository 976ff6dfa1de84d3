"""Reads the task routing templates that the chart installed, and creates objects from them.

A template is parsed before values are filled in, so no value can change its structure.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from task_gateway.deferred import yaml
from task_gateway.errors import NotFound, TemplatesMismatch
from task_gateway.kube.client import Kube
from task_gateway.model import InternalTaskGateway, Manifest
from task_gateway.routing import names

NAMESPACES = "taskNamespaces"
"""The key with the names of all task namespaces, separated by blanks; earlier charts do not have it."""

TLS = "tls"
"""The key for whether the listeners terminate TLS: true or false."""
CONTROLLER, SERVICE_PORTS = "controllerName", "servicePorts"
"""Keys with the controllerName of the class and, if the chart creates the proxy's Service, its ranges of ports, such as
"20000-20063 24000-24099". Earlier charts have neither."""

CLAIM_RIGHT = "claimRight"
"""The key that is true if the policies of the operator require the permission to claim; otherwise it is absent."""

VERSION = "2"
"""The version that this library supports, as in `version` of the chart's ConfigMap."""

Values = Mapping[str, int | str]
_RANGE = re.compile(r"\b([0-9]{1,5})-([0-9]{1,5})\b")
_PLACEHOLDER = re.compile(r"\$\{([A-Z_]+)\}")


@dataclass(frozen=True)
class Templates:
    """The ConfigMap's data: each template as text under `<strategy>.yaml`; `where` is the ConfigMap's name."""

    texts: Mapping[str, str]
    where: str = ""

    @property
    def tls(self) -> bool:
        """Whether the gateway's listeners terminate TLS. Clients then have to use TLS at a task's port."""
        return self.texts.get(TLS) == "true"

    def objects(self, strategy: str, values: Values) -> list[Manifest]:
        """Return the objects of one task; TemplatesMismatch if the template is missing or requires another value.

        A scalar that is only a placeholder, without quotes, keeps the type of the value, such as integer for a port.
        """
        key = f"{strategy}.yaml"
        if key not in self.texts:
            raise TemplatesMismatch(f"there is no task routing template {key}", where=self.where)
        try:
            return [_fill(node, values) for node in _composed(self.texts[key])]
        except KeyError as unknown:
            message = (
                f"the task routing template {key} uses {unknown}, which this version of the program does not support"
            )
            raise TemplatesMismatch(message, where=self.where) from None
        except (yaml.YAMLError, TypeError) as wrong:
            reason = " ".join(str(wrong).split())
            raise TemplatesMismatch(f"the task routing template {key} is wrong: {reason}", where=self.where) from None


def load(kube: Kube, gateway: InternalTaskGateway) -> Templates:
    """Read the ConfigMap of a gateway; TemplatesMismatch if it is missing or has another version."""
    name = names.templates(gateway.gateway_name)
    where = f"ConfigMap {gateway.gateway_namespace}/{name}"
    try:
        data = kube.get("v1/ConfigMap", name, gateway.gateway_namespace).get("data") or {}
    except NotFound:
        raise TemplatesMismatch(
            f"Gateway {gateway.gateway_name} has no task routing templates: "
            f"the chart {names.CHART} is not installed in namespace {gateway.gateway_namespace}",
            where=where,
            hint=f"helm install <release> {names.CHART} --namespace {gateway.gateway_namespace}",
        ) from None
    if (found := data.get("version")) != VERSION:
        raise TemplatesMismatch(
            f"the chart's task routing templates have version {found}, this harness speaks version {VERSION}",
            where=where,
            hint=f"upgrade to the chart of this harness: {upgrade(gateway)}",
        )
    return Templates(data, where)


def task_namespaces(config_map: Manifest | None) -> tuple[str, ...]:
    """Return the task namespaces in the chart's ConfigMap, that of `slots` first; empty without the key."""
    return tuple(((config_map or {}).get("data") or {}).get(NAMESPACES, "").split())


def controller_name(data: Mapping[str, str]) -> str:
    """Return the controllerName in the chart's ConfigMap; empty without the key."""
    return data.get(CONTROLLER, "")


def requires_claim_right(data: Mapping[str, str]) -> bool:
    """Return whether the chart installed the policies that require the permission to claim."""
    return data.get(CLAIM_RIGHT) == "true"


def service_ports(data: Mapping[str, str]) -> frozenset[int] | None:
    """Return the ports of the proxy's Service in the chart's ConfigMap; None without the key."""
    if SERVICE_PORTS not in data:
        return None
    ranges = [range(int(first), int(last) + 1) for first, last in _RANGE.findall(data[SERVICE_PORTS])]
    return frozenset(port for each in ranges for port in each)


def upgrade(gateway: InternalTaskGateway, change: str = "") -> str:
    """Return the command that upgrades the chart of a gateway."""
    words = f"helm upgrade <release> {names.CHART} --namespace {gateway.gateway_namespace} --reuse-values"
    return f"{words} {change}".strip()


def upgrade_slots(gateway: InternalTaskGateway, namespace: str, *groups: tuple[int, int]) -> str:
    """Return the command that sets the groups of slots of a namespace, each as its first port and its number of slots.

    It replaces the whole list of the release: the items of other namespaces have to be repeated.
    """
    items = [{"namespace": namespace, "start": start, "count": count} for start, count in groups]
    return upgrade(gateway, f"--set-json 'slots={json.dumps(items, separators=(',', ':'))}'")


@lru_cache(maxsize=16)
def _composed(text: str) -> "tuple[yaml.Node, ...]":
    return tuple(node for node in yaml.compose_all(text, Loader=yaml.SafeLoader) if node is not None)


def _fill(node: "yaml.Node", values: Values) -> Manifest:
    filled = _value(node, values)
    if not isinstance(filled, dict):
        raise TypeError("a template of an object is a mapping")
    return filled


def _value(node: "yaml.Node", values: Values) -> object:
    if isinstance(node, yaml.MappingNode):
        return {_value(key, values): _value(value, values) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [_value(each, values) for each in node.value]
    alone = _PLACEHOLDER.fullmatch(node.value)
    if alone and isinstance(node, yaml.ScalarNode) and node.style is None:
        return values[alone[1]]
    if _PLACEHOLDER.search(node.value):
        return _PLACEHOLDER.sub(lambda found: str(values[found[1]]), node.value)
    return yaml.SafeLoader("").construct_object(node)
