"""What CEL rules cost when an object is written: the largest object that is accepted, and the seconds a write takes.

The API server does not take a CRD whose maxItems is near the run-time limit: its estimate counts each string of an item
at its longest, and no real listener is like that. So a copy of the CRD is installed in which the items' own strings may
be no longer than those of the sample; the estimate shrinks, the rules stay word for word, and the cost of the sample is
what it always is.

This installs CRDs: only for a control plane that was started for it.
"""

import copy
import math
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from task_gateway.crds import cel_search, probe, schema
from task_gateway.errors import ClusterUnreachable, Invalid
from task_gateway.kube.client import Kube
from task_gateway.kube.wait import condition, wait_for, wait_until_gone
from task_gateway.model import Manifest, WriteTime
from task_gateway.polling import attempts
from task_gateway.reasons import Refusal
from task_gateway.settings import API_READY, Wait

NAMESPACE = "default"
SAMPLE_STRING = 10
"""Characters of the longest string in the sample's items, `task-20000`; longer names cost more to compare."""

LARGEST_SAMPLE = 2000
"""Largest object that is tried; a CRD that accepts it has no run-time limit that matters, other limits come first."""

SIZES = (64, 128)
"""Listeners in the writes that are timed, besides the largest that the CRD allows."""

SAMPLES = 10
ATTEMPTS = 3
DISCOVERY_SECONDS = 0.1
CRD_GONE = Wait("crd-gone", "the CRD is gone with all its objects", 60)

Make = Callable[[int], Manifest]


@dataclass(frozen=True)
class SampledKind:
    """A kind with listeners: what else its spec needs, and the limit of upstream's rules, asked about first."""

    spec: Manifest
    upstream: int


KINDS = {
    "Gateway": SampledKind({"gatewayClassName": "none"}, 445),
    "ListenerSet": SampledKind({"parentRef": {"name": "none"}}, 406),
    "XListenerSet": SampledKind({"parentRef": {"name": "none"}}, 406),
}


def sampler(crd: Manifest, version: str, path: str) -> Make | None:
    """Return what makes an object with so many listeners; None for a list that is not Gateway API's listeners.

    The listeners are as tasks have them: TCP, each with a port of its own and a name of ten characters.
    """
    group, kind = crd["spec"]["group"], crd["spec"]["names"]["kind"]
    if path != schema.SPEC_LISTENERS or not group.startswith("gateway.networking.") or kind not in KINDS:
        return None

    def make(number: int) -> Manifest:
        listeners = [{"name": f"task-{20000 + i}", "port": 20000 + i, "protocol": "TCP"} for i in range(number)]
        metadata = {"name": "cel", "namespace": NAMESPACE}
        spec = {**KINDS[kind].spec, "listeners": listeners}
        return {"apiVersion": f"{group}/{version}", "kind": kind, "metadata": metadata, "spec": spec}

    return make


def with_short_strings(crd: Manifest, path: str) -> Manifest:
    """Return a copy in which the strings directly in the items of the list are at most as long as the sample's."""
    changed = copy.deepcopy(crd)
    for version in schema.versions(changed):
        items = (schema.list_at(changed, version, path) or {}).get("items") or {}
        for each in (items.get("properties") or {}).values():
            if each.get("type") == "string" and len(each.get("default", "")) <= SAMPLE_STRING:
                each["maxLength"] = SAMPLE_STRING
    return changed


def measure(
    kube: Kube, crd: Manifest, version: str, path: str, allowed: int, *, writes: bool
) -> tuple[int | None, tuple[WriteTime, ...]]:
    """Return the run-time limit of the list at `path` and, with `writes`, the seconds of writes up to `allowed` items.

    (None, ()) for a list that there is no sample for, None for a limit beyond LARGEST_SAMPLE.
    """
    make = sampler(crd, version, path)
    if make is None:
        return None, ()
    short = with_short_strings(crd, path)
    ceiling = probe.largest(kube, short, path, ceiling=LARGEST_SAMPLE).accepted
    with installed(kube, schema.with_max_items(short, path, ceiling), version):
        limit = largest_object(kube, make, KINDS[crd["spec"]["names"]["kind"]].upstream, ceiling)
        most = min(allowed, ceiling if limit is None else limit)
        sizes = sorted({*(each for each in SIZES if each < most), most}) if writes else []
        return limit, tuple(write_time(kube, make(size), size) for size in sizes)


def largest_object(kube: Kube, make: Make, first: int, ceiling: int) -> int | None:
    """Return the items of the largest object that the API server accepts, by dry-run creates; `first` is tried first.

    One more is refused for the cost of the rules at run time; None if `ceiling` items are accepted. Other refusals are
    raised.
    """
    seen: dict[int, cel_search.Costs] = {}
    while (number := _next(seen, min(first, ceiling), ceiling)) is not None:
        seen[number] = {} if accepted(kube, make(number)) else {"the object": None}
    low, high = cel_search.bounds(seen)
    return None if high is None else low


def accepted(kube: Kube, obj: Manifest) -> bool:
    """Tell whether a dry-run create is accepted; False if the rules cost too much, any other refusal is raised.

    Near the limit a busy machine may take longer than the client waits, so there is more than one attempt.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            kube.create(obj, dry_run=True)
        except Invalid as problem:
            if Refusal.RULE_COST in problem.reasons:
                return False
            raise
        except ClusterUnreachable:
            if attempt == ATTEMPTS:
                raise
        else:
            break
    return True


def write_time(kube: Kube, obj: Manifest, items: int, samples: int = SAMPLES) -> WriteTime:
    """Return the seconds of dry-run creates of one object, after one that is not counted.

    A dry run validates and admits as a write does, and leaves out etcd. With fewer than 100 samples p99 is the slowest.
    """
    seconds = []
    for _ in range(samples + 1):
        started = time.monotonic()
        kube.create(obj, dry_run=True)
        seconds.append(time.monotonic() - started)
    counted = sorted(seconds[1:])
    p99 = counted[math.ceil(0.99 * samples) - 1]
    return WriteTime(items, round(statistics.median(counted), 4), round(p99, 4), samples)


@contextmanager
def installed(kube: Kube, crd: Manifest, version: str) -> Iterator[None]:
    """Install a CRD for as long as the context lasts, and remove it with all its objects."""
    name = crd["metadata"]["name"]
    kube.create(crd)
    try:
        wait_for(kube, API_READY, schema.KIND, name, None, condition("Established"))
        _wait_served(kube, f"{crd['spec']['group']}/{version}/{crd['spec']['names']['kind']}")
        yield
    finally:
        kube.delete(schema.KIND, name)
        wait_until_gone(kube, CRD_GONE, schema.KIND, name, None)


def _next(seen: Mapping[int, cel_search.Costs], start: int, ceiling: int) -> int | None:
    """Return the number to ask about next; one more than the first before anything else, for answers take seconds."""
    if len(seen) == 1 and start < ceiling and not seen[start]:
        return start + 1
    return cel_search.next_number(seen, start, ceiling)


def _wait_served(kube: Kube, kind: str) -> None:
    """Wait until discovery lists a kind; there is nothing to watch for that."""
    if not any(kube.served(kind) for _ in attempts(API_READY, DISCOVERY_SECONDS)):
        raise API_READY.timed_out(f"{kind} is not served yet", kube.server)
