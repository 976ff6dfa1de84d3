"""Asks an API server, by dry runs alone, how long a list of a CRD may be before its CEL rules cost too much."""

import re
import time
from dataclasses import dataclass

from task_gateway.crds import schema
from task_gateway.errors import Invalid
from task_gateway.kube.client import Kube
from task_gateway.model import CelPoint, Manifest

CEILING = 1_000_000
_FACTOR = re.compile(r"exceeds budget by factor of (?:more than )?([\d.]+)x")


@dataclass(frozen=True)
class CostRefusal:
    """A refusal for cost: the largest factor over budget, and the rule that has it."""

    factor: float | None
    rule: str
    message: str


@dataclass(frozen=True)
class Found:
    """The largest accepted number, and what finding it took."""

    accepted: int
    binding: str
    requests: int
    seconds: float
    points: tuple[CelPoint, ...] = ()
    at_least: bool = False


def ask(kube: Kube, crd: Manifest, path: str, number: int) -> CostRefusal | None:
    """Return None if the API server accepts `number` items; Invalid if it refuses for another reason."""
    changed = schema.with_max_items(crd, path, number)
    changed["metadata"].pop("managedFields", None)
    changed["metadata"].pop("resourceVersion", None)
    changed.pop("status", None)
    try:
        kube.apply(changed, field_manager="task-gateway-probe", dry_run=True)
    except Invalid as refused:
        costs = [(float(m.group(1)), c) for c in refused.causes if (m := _FACTOR.search(c.message))]
        if not costs:
            raise
        factor, cause = max(costs, key=lambda each: each[0])
        return CostRefusal(factor, cause.field, cause.message)
    return None


def largest(kube: Kube, crd: Manifest, path: str, *, ceiling: int = CEILING) -> Found:
    """Return the largest number accepted, verified by the refusal of one more."""
    started, points = time.monotonic(), []
    low, high, binding = 1, ceiling + 1, ""
    guess = 220
    while high - low > 1:
        refusal = ask(kube, crd, path, guess)
        points.append(CelPoint(guess, None if refusal is None else refusal.factor))
        if refusal is None:
            low = guess
        else:
            high, binding = guess, refusal.rule
        near = None
        if refusal is not None and refusal.factor:
            near = int(guess / refusal.factor**0.5)
        guess = (
            near
            if near and low < near < high
            else min(low * 4, (low + high) // 2)
            if high > ceiling
            else (low + high) // 2
        )
        if near == low:
            guess = low + 1
    return Found(low, binding, len(points), time.monotonic() - started, tuple(points), high > ceiling)
