"""Finds the largest maxItems of a list in a CRD whose CEL rules the API server accepts, only by dry runs.

The CRD need not be installed. If it is, the API server does not check the cost of a schema that did not change. So
each dry run also changes the description of the schema.
"""

import copy
import dataclasses
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from task_gateway.crds import cel_search, schema
from task_gateway.crds.cost import CostRefusal, read
from task_gateway.errors import ApiError, UsageError
from task_gateway.kube.client import Kube
from task_gateway.model import CelPoint, CelReport, CelVariant, Manifest

__all__ = ["CEILING", "CostRefusal", "ProbeResult", "ask", "largest", "probe"]

CEILING = 1_000_000
"""Largest maxItems that is tried; the limits of Gateway API's linear rules are below it."""

FIRST = 64
"""First maxItems that is tried if the CRD declares none."""

COSTLY = 4
"""Number of rules that are left out one at a time besides the quadratic ones: the first to exceed their budget."""

CURVE = (1.15, 1.3, 1.5, 1.75, 2, 2.5, 3, 4)
"""Multiples of the accepted maxItems at which a curve has points; below 1 the API server does not report a cost."""

MANAGER = "task-gateway-probe"
MARK = "asked about by task-gateway crds cel"

Answers = dict[int, CostRefusal | None]


@dataclass(frozen=True)
class ProbeResult:
    """The largest maxItems that is accepted, and the effort of the search.

    `binding` is the text of the rule that refuses one more. With `at_least` the search ended at its ceiling without a
    refusal, and `binding` is empty. `costly` are the rules that exceeded their budget at any number, in the order in
    which they do.
    """

    accepted: int
    binding: str
    requests: int
    seconds: float
    points: tuple[CelPoint, ...] = ()
    at_least: bool = False
    costly: tuple[str, ...] = ()


def ask(
    kube: Kube, crd: Manifest, path: str, number: int, versions: Collection[str] | None = None
) -> CostRefusal | None:
    """Return the refusal of the CRD with maxItems `number` at `path` for its cost, None if accepted, by one dry run.

    Without `versions` every version that has the list is changed. Any other refusal is raised as a typed error (see
    `cost.read`), ClusterUnreachable without an answer.
    """
    asked = _versions(crd, path) if versions is None else versions
    try:
        kube.apply(_question(crd, path, number, asked), field_manager=MANAGER, dry_run=True)
    except ApiError as problem:
        return read(problem, crd, asked)
    return None


def largest(
    kube: Kube, crd: Manifest, path: str, *, versions: Collection[str] | None = None, ceiling: int = CEILING
) -> ProbeResult:
    """Return the largest maxItems of the list at `path` that the API server accepts.

    The search starts at the declared maxItems. UsageError if no version has that list, or if the CRD is refused for its
    cost even with one item.
    """
    asked = _versions(crd, path) if versions is None else versions
    declared = [number for each in asked if (number := schema.max_items(crd, each, path)) is not None]
    return _search(kube, crd, path, asked, min(declared, default=FIRST), ceiling)


def probe(
    kube: Kube, crd: Manifest, path: str = schema.SPEC_LISTENERS, *, ceiling: int = CEILING, curve: bool = False
) -> list[CelReport]:
    """Return what the rules of the list at `path` allow in each version that has it, by dry runs.

    Versions with equal schemas share a search. With `curve` more numbers are tried, only for the points: `requests` and
    `seconds` are those of the search. The run-time limit and write times come from `runtime`.
    """
    reports = []
    for versions in _alike(crd, _versions(crd, path)):
        found = largest(kube, crd, path, versions=versions, ceiling=ceiling)
        variants = tuple(_variants(kube, crd, path, versions, found, ceiling))
        numbers = sorted({round(found.accepted * step) for step in CURVE}) if curve and found.costly else []
        more = tuple(_point(number, ask(kube, crd, path, number, versions)) for number in numbers)
        found = dataclasses.replace(found, points=found.points + more)
        reports += [_report(crd, version, path, found, variants) for version in versions]
    return sorted(reports, key=lambda each: schema.versions(crd).index(each.version))


def _search(kube: Kube, crd: Manifest, path: str, versions: Collection[str], start: int, ceiling: int) -> ProbeResult:
    started, answers = time.monotonic(), Answers()
    costs: dict[int, cel_search.Costs] = {}
    while (number := cel_search.next_number(costs, start, ceiling)) is not None:
        refusal = answers[number] = ask(kube, crd, path, number, versions)
        costs[number] = {each.place: each.factor for each in refusal.excesses} if refusal else {}
    low, high = cel_search.bounds(costs)
    refusal = answers[high] if high is not None else None
    if low == 0 and refusal is not None:
        raise UsageError(
            f"the rules of this CRD exceed the cost limit even with maxItems 1 at {path}: {refusal.message}",
            where=f"{crd['metadata']['name']}, {refusal.excesses[0].place}",
            hint=f"the rule: {refusal.rule}",
        )
    return ProbeResult(
        low,
        refusal.rule if refusal else "",
        len(answers),
        round(time.monotonic() - started, 3),
        tuple(_point(number, answer) for number, answer in answers.items()),
        refusal is None,
        _costly(answers),
    )


def _variants(
    kube: Kube, crd: Manifest, path: str, versions: Collection[str], found: ProbeResult, ceiling: int
) -> Iterator[CelVariant]:
    """Yield what is accepted without each costly rule, and without all the quadratic ones."""
    listed = [rule for each in versions for rule in schema.rules(crd, each, path)]
    quadratic = {rule.text for rule in listed if schema.is_quadratic(rule)} if found.costly else set()
    alone = tuple(dict.fromkeys((*found.costly[:COSTLY], *sorted(quadratic))))
    together = tuple(each for each in alone if each in quadratic)
    for texts in [*((each,) for each in alone), *([together] if len(together) > 1 else [])]:
        without = _search(kube, schema.without_texts(crd, texts), path, versions, found.accepted, ceiling)
        yield CelVariant(texts, without.accepted, without.at_least)


def _question(crd: Manifest, path: str, number: int, versions: Collection[str]) -> Manifest:
    spec = schema.with_max_items(crd, path, number, versions)["spec"]
    for each in spec["versions"]:
        if each["name"] in versions:
            each["schema"]["openAPIV3Schema"]["description"] = MARK
    metadata = {key: crd["metadata"][key] for key in ("name", "labels", "annotations") if key in crd["metadata"]}
    return {"apiVersion": crd["apiVersion"], "kind": crd["kind"], "metadata": copy.deepcopy(metadata), "spec": spec}


def _versions(crd: Manifest, path: str) -> list[str]:
    """Return the versions that have the list; UsageError, with the lists of the CRD, if there is none."""
    found = [version for version in schema.versions(crd) if schema.list_at(crd, version, path) is not None]
    if not found:
        known = dict.fromkeys(each for version in schema.versions(crd) for each in schema.lists(crd, version))
        raise UsageError(
            f"this CRD has no list at {path}",
            where=crd["metadata"]["name"],
            hint=f"--path with one of: {', '.join(known)}" if known else "it has no lists",
        )
    return found


def _alike(crd: Manifest, versions: list[str]) -> list[list[str]]:
    """Return the versions in groups of equal schemas. Descriptions may differ, because they do not affect the cost."""
    groups: list[tuple[object, list[str]]] = []
    for version in versions:
        plain = schema.without_descriptions(crd, version)
        group = next((names for known, names in groups if known == plain), None)
        if group is None:
            groups.append((plain, [version]))
        else:
            group.append(version)
    return [names for _, names in groups]


def _costly(answers: Answers) -> tuple[str, ...]:
    refusals = [refusal for _, refusal in sorted(answers.items()) if refusal is not None]
    excesses = [each for refusal in refusals for each in refusal.by_size() if not each.total]
    return tuple(dict.fromkeys(each.rule for each in excesses))


def _point(number: int, refusal: CostRefusal | None) -> CelPoint:
    return CelPoint(number, refusal.factor, refusal.rule) if refusal else CelPoint(number, None)


def _report(crd: Manifest, version: str, path: str, found: ProbeResult, variants: tuple[CelVariant, ...]) -> CelReport:
    bundle, channel = schema.bundle(crd)
    return CelReport(
        bundle=bundle,
        channel=channel,
        crd=crd["metadata"]["name"],
        version=version,
        path=path,
        declared_max_items=schema.max_items(crd, version, path),
        accepted_max_items=found.accepted,
        binding_rule=found.binding,
        requests=found.requests,
        seconds=found.seconds,
        variants=variants,
        points=found.points,
    )
