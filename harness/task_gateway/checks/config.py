"""Checks of the master configuration: each rule of its gateway keys, and its demand against the capacity."""

from collections.abc import Mapping

from task_gateway.checks.base import CHECKS, CheckRule, Finding, category_of, check, limits_of
from task_gateway.errors import Problem
from task_gateway.inventory.snapshot import GatewaySnapshot
from task_gateway.reasons import ConfigRule

VALIDATE = "task-gateway config validate FILE"


def _rule(code: str, description: str, cause: str) -> CheckRule:
    rule = CheckRule(code, category_of(code), description, VALIDATE, cause)
    CHECKS.register(code)(rule)
    return rule


RULES: Mapping[ConfigRule, CheckRule] = {
    ConfigRule.READABLE: _rule(
        "ITG0601", "the configuration can be read", "The file does not exist, is not YAML, or is not a mapping."
    ),
    ConfigRule.KNOWN_KEYS: _rule(
        "ITG0602", "every key is known and given once",
        "A key is misspelled, in the wrong place, or given twice. A master would ignore it, or use the last one.",
    ),
    ConfigRule.PORT_ORDER: _rule(
        "ITG0603", "the port range starts before it ends", "gateway_port_range_start is above gateway_port_range_end."
    ),
    ConfigRule.PORT_OVERLAP: _rule(
        "ITG0604", "no port of a gateway belongs to two resource managers",
        "The port ranges of two resource managers overlap on one Gateway. Two tasks would get the same port.",
    ),
    ConfigRule.PORT: _rule(
        "ITG0605", "the ports of the range are from 1025 to 65535",
        "gateway_port_range_start or gateway_port_range_end is not an integer from 1025 to 65535.",
    ),
    ConfigRule.GATEWAY_NAME: _rule(
        "ITG0606", "gateway_name is a Kubernetes label", "gateway_name is missing, or is not a valid name of a Gateway."
    ),
    ConfigRule.GATEWAY_NAMESPACE: _rule(
        "ITG0607", "gateway_namespace is a Kubernetes label",
        "gateway_namespace is missing, or is not a valid name of a namespace.",
    ),
    ConfigRule.GATEWAY_IP: _rule(
        "ITG0608", "gateway_ip is an address or a host name",
        "gateway_ip is missing, empty, or has a scheme or a port.",
    ),
    ConfigRule.WELL_FORMED: _rule(
        "ITG0609", "resource managers and pools are well formed",
        "A resource manager has a wrong type or no unique name, or a pool has no name or a negative number.",
    ),
}  # fmt: skip
"""The check of each rule, in the order in which they are shown."""


def code_of(problem: Problem) -> str:
    """Return the code of the rule that a problem breaks."""
    return RULES[problem.rule].code


@check(
    "ITG0610",
    "the pools start no more tasks than fit",
    "task-gateway limits",
    ("ITG0401",),
)
def aux_containers(snapshot: GatewaySnapshot) -> Finding | None:
    """max_aux_containers_per_agent of the resource pools, times the number of nodes, is more than the capacity of the
    gateway. The last notebooks start but are not reachable. Lower max_aux_containers_per_agent, or raise the limit that
    the command shows first."""
    seen = limits_of(snapshot)
    most = next(each for each in seen.limits if each.id == "max-aux-containers")
    if most.value is None or seen.capacity is None or most.value <= seen.capacity:
        return None
    return Finding(f"up to {most.value} tasks may start, {seen.capacity} fit, bound by {seen.binding}", warning=True)
