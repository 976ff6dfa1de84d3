"""Measures the cost of CEL rules at run time: the largest object that is accepted, and the seconds that a write takes.

The API server refuses a CRD whose maxItems is near the run-time limit, because its estimate assumes the maximum length
of each string. No real listener is like that. So a copy of the CRD is installed in which the strings of an item may
only be as long as those of the sample. This lowers the estimate. The rules and the cost of the sample do not change.

This installs CRDs. Use only a control plane that was started for it.
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
"""Items of the largest object that is tried. If a CRD accepts it, other limits are lower than the run-time limit."""

SIZES = (64, 128)
"""Numbers of listeners in timed writes, besides the largest that the CRD allows."""

SAMPLES = 10
ATTEMPTS = 3
DISCOVERY_SECONDS = 0.1
CRD_GONE = Wait("crd-gone", "the CRD is gone with all its objects", 60)

Make = Callable[[int], Manifest]


@dataclass(frozen=True)
class SampledKind:
    """A kind with listeners: the other fields its spec requires, and the limit in Gateway API, which is tried first."""

    spec: Manifest
    upstream: int


KINDS = {
    "Gateway": SampledKind({"gatewayClassName": "none"}, 445),
    "ListenerSet": SampledKind({"parentRef": {"name": "none"}}, 406),
    "XListenerSet": SampledKind({"parentRef": {"name": "none"}}, 406),
}


def sampler(crd: Manifest, version: str, path: str) -> Make | None:
    """Return a function that builds an object with that many listeners; None for a list other than Gateway listeners.

    The listeners are like those of tasks: TCP, each with its own port and a name of ten characters.
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

    The limit is None if it is above LARGEST_SAMPLE, the result (None, ()) if there is no sample for the list.
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
    """Return the items of the largest object that the API server accepts, by dry runs that start at `first`.

    One more is refused for the cost of the rules at run time. None if `ceiling` items are accepted. Other refusals are
    raised.
    """
    seen: dict[int, cel_search.Costs] = {}
    while (number := _next(seen, min(first, ceiling), ceiling)) is not None:
        seen[number] = {} if accepted(kube, make(number)) else {"the object": None}
    low, high = cel_search.bounds(seen)
    return None if high is None else low


def accepted(kube: Kube, obj: Manifest) -> bool:
    """Return whether a dry-run create is accepted: False if the rules cost too much. Any other refusal is raised.

    There are several attempts, because near the limit a busy API server may exceed the client's timeout.
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

    A dry run is validated and admitted like a write, but not stored. With fewer than 100 samples p99 is the slowest.
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
    """Return the number to try next. After the first it is one more, because each answer takes seconds."""
    if len(seen) == 1 and start < ceiling and not seen[start]:
        return start + 1
    return cel_search.next_number(seen, start, ceiling)


def _wait_served(kube: Kube, kind: str) -> None:
    """Poll until discovery lists a kind, because discovery cannot be watched."""
    if not any(kube.served(kind) for _ in attempts(API_READY, DISCOVERY_SECONDS)):
        raise API_READY.timed_out(f"{kind} is not served yet", kube.server)
