"""Measures writes of a Gateway with the rules of Gateway API, with our policy instead, and with neither."""

import os
import time
from collections import defaultdict

from task_gateway.crds import bundles, edit, ports_policy, schema
from task_gateway.crds.propagation import GATEWAY, NAME, NAMESPACE, PAUSE_SECONDS, PROPAGATED, example_gateway
from task_gateway.crds.propagation import refusal_of as refusal_of
from task_gateway.kube.client import Kube
from task_gateway.kube.wait import condition, wait_for
from task_gateway.model import Manifest, Say
from task_gateway.polling import attempts
from task_gateway.probe.versions import crd_versions
from task_gateway.settings import Wait
from task_gateway.spread import spread
from task_gateway_lab.bench import machine
from task_gateway_lab.clusters import base
from task_gateway_lab.model_bench import CrdWriteRecord, CrdWriteReport

LISTENERS = (64, 213, 500, 1000, 2000)
ROUNDS, SAMPLES = 4, 10  # writes of each kind: the product
ESTABLISHED = Wait("crd-established", "the CRD is served", 30)
UPSTREAM, NAMES, POLICY, NEITHER = "upstream's rules", "without the rule on ports", "our policy", "neither"
ACCEPTED_WITHOUT_PORTS = 304  # the largest maxItems that the rule on names allows
Seconds = dict[int, list[float]]


def measure(*, say: Say) -> CrdWriteReport:
    """Return the seconds of creates of a Gateway, stored in etcd, on a temporary control plane."""
    with base.temporary_cluster("control-plane", base.ClusterRequest(f"bench-{os.getpid()}-crd"), say=say) as cluster:
        return measure_on(Kube(cluster), say=say)


def measure_on(kube: Kube, *, say: Say, bundle: str = bundles.KNOWN[-1], channel: str = "standard") -> CrdWriteReport:
    """Measure on a cluster without Gateway API: its Gateway CRD is created and changed.

    Writes with and without the policy alternate, so load on the machine affects both.
    """
    upstream = bundles.fetch(bundle, channel).crds[schema.GATEWAYS]
    seconds: dict[str, Seconds] = {rules: defaultdict(list) for rules in (UPSTREAM, NAMES, POLICY, NEITHER)}
    kube.apply(edit.raised(upstream, LISTENERS[1], drop=False))
    wait_for(kube, ESTABLISHED, schema.KIND, schema.GATEWAYS, None, condition("Established"))
    _heeded(kube, example_gateway(1), refused=False)
    for _ in range(ROUNDS):
        _write(kube, LISTENERS[:2], seconds[UPSTREAM])
    one_rule = edit.raised(upstream, ACCEPTED_WITHOUT_PORTS, drop=False)
    kube.apply(schema.without_rules(one_rule, schema.SPEC_LISTENERS, _is_on_ports))
    _heeded(kube, example_gateway(ACCEPTED_WITHOUT_PORTS, apart=False), refused=False)
    for _ in range(ROUNDS):
        _write(kube, LISTENERS[:2], seconds[NAMES])
    kube.apply(edit.raised(upstream, LISTENERS[-1], drop=True))
    for turn in range(ROUNDS):
        say(f"round {turn + 1} of {ROUNDS}")
        ports_policy.delete(kube)
        _heeded(kube, example_gateway(LISTENERS[-1], apart=False), refused=False)
        _write(kube, LISTENERS, seconds[NEITHER])
        ports_policy.apply(kube)
        _heeded(kube, example_gateway(2, apart=False), refused=True)
        _write(kube, LISTENERS, seconds[POLICY])
    records = tuple(
        CrdWriteRecord(rules, listeners, len(found), spread(found))
        for rules, sizes in seconds.items()
        for listeners, found in sizes.items()
    )
    return CrdWriteReport(crd_versions(kube), machine.machine(), records)


def _is_on_ports(rule: schema.CelRule) -> bool:
    return schema.is_quadratic(rule) and ".port" in rule.text


def _write(kube: Kube, counts: tuple[int, ...], seconds: Seconds) -> None:
    for count in counts:
        seconds[count] += [_create(kube, count) for _ in range(SAMPLES)]


def _create(kube: Kube, count: int) -> float:
    obj = example_gateway(count)
    started = time.perf_counter()
    kube.create(obj)
    seconds = time.perf_counter() - started
    kube.delete(GATEWAY, NAME, NAMESPACE)
    return seconds


def _heeded(kube: Kube, obj: Manifest, *, refused: bool) -> None:
    """Repeat a dry run until the API server enforces a changed CRD or policy; WaitTimeout if it does not."""
    answer = None
    for _ in attempts(PROPAGATED, PAUSE_SECONDS):
        answer = refusal_of(kube, obj)
        if (answer is not None) is refused:
            return
    raise PROPAGATED.timed_out(answer.message if answer else "accepted", where=schema.GATEWAYS)
