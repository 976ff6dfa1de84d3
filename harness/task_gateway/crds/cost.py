"""Reads an API server's refusal of a CRD for the cost of its CEL rules, and types all other refusals. Pure."""

import re
from collections.abc import Collection
from dataclasses import dataclass

from task_gateway.crds import schema
from task_gateway.errors import ApiError, Cause, DeniedByPolicy, Forbidden, Invalid, InvalidCrd, NotApproved
from task_gateway.kube.refusals import APPROVAL
from task_gateway.model import Manifest
from task_gateway.reasons import Refusal

ALL_TOGETHER = "all rules of the schema together"

_STEP = re.compile(r"([^.\[\]]+)(?:\[([^\]]*)\])?")
_VERSION = re.compile(r"spec\.versions\[(\d+)\]")


@dataclass(frozen=True)
class Excess:
    """An exceeded budget: of a rule or, with `total`, of a whole schema.

    `place` is the field, `factor` how many times its budget the cost is (None: more than 100), `rule` the text of the
    rule; for a total the texts of its most expensive rules, one per line.
    """

    place: str
    factor: float | None
    rule: str
    message: str
    total: bool = False


@dataclass(frozen=True)
class CostRefusal:
    """A refusal for cost: all excesses, and the factor, rule and message of the largest."""

    excesses: tuple[Excess, ...]

    @property
    def factor(self) -> float | None:
        """How many times its budget the cost is; None means more than 100."""
        return self._worst.factor

    @property
    def rule(self) -> str:
        """The text of the rule."""
        return self._worst.rule

    @property
    def message(self) -> str:
        """The message of the API server."""
        return self._worst.message

    @property
    def _worst(self) -> Excess:
        return self.by_size()[0]

    def by_size(self) -> list[Excess]:
        """Return the excesses of rules, the largest first, and then those of whole schemas."""
        return sorted(self.excesses, key=lambda each: (each.total, -_size(each.factor)))


def read(problem: ApiError, crd: Manifest, versions: Collection[str]) -> CostRefusal | None:
    """Return the cost of these versions from a refusal of `crd`, None if it only concerns other versions.

    Raise DeniedByPolicy, NotApproved, InvalidCrd or Forbidden, with a hint, if the reason is not cost.
    """
    if not problem.causes or not all(map(_is_cost, problem.causes)):
        raise told_apart(problem)
    causes = [each for each in problem.causes if _version(each.field, crd) in (None, *versions)]
    found = tuple(
        _excess(each, each.over_budget.factor, causes, crd) for each in causes if each.over_budget is not None
    )
    return CostRefusal(found) if found else None


def told_apart(problem: ApiError) -> ApiError:
    """Return a typed error for a refusal of a CRD that is not about the cost of its rules."""
    others = [each for each in problem.causes if not _is_cost(each)]
    error, hint = type(problem), problem.hint
    if Refusal.DENIED in problem.reasons:
        error, hint = DeniedByPolicy, "task-gateway crds cel --control-plane uses an API server without that policy"
    elif Refusal.NOT_APPROVED in problem.reasons:
        error, hint = NotApproved, f"add the annotation {APPROVAL} to the CRD: the URL of its review, or unapproved, …"
    elif isinstance(problem, Invalid):
        error, hint = InvalidCrd, "kubectl apply --server-side --dry-run=server -f FILE"
    elif isinstance(problem, Forbidden):
        error, hint = (
            Forbidden,
            "kubectl auth can-i patch customresourcedefinitions; without the right, --control-plane",
        )
    said = "; ".join(f"{each.field}: {each.message}" for each in others) or problem.message
    message = f"the API server rejects the CRD, but not because of the cost of its rules: {said}"
    return problem.told_as(error, message, hint=hint)


def _is_cost(cause: Cause) -> bool:
    return cause.over_budget is not None or cause.contributes


def _excess(cause: Cause, factor: float | None, causes: list[Cause], crd: Manifest) -> Excess:
    if schema.RULES in cause.field:
        return Excess(cause.field, factor, _text(cause.field, crd), cause.message)
    inside = [each.field for each in causes if each.contributes and each.field.startswith(cause.field)]
    rules = "\n".join(_text(field, crd) for field in inside) or ALL_TOGETHER
    return Excess(cause.field, factor, rules, cause.message, total=True)


def _size(factor: float | None) -> float:
    return float("inf") if factor is None else factor


def _version(field: str, crd: Manifest) -> str | None:
    """Return the version that a field belongs to; None if one schema is used for all versions."""
    matched = _VERSION.match(field)
    return schema.versions(crd)[int(matched[1])] if matched else None


def _text(field: str, crd: Manifest) -> str:
    """Return the rule that a field of a cause refers to, or the field if it cannot be resolved."""
    _, _, inner = field.partition(".openAPIV3Schema")
    matched = _VERSION.match(field)
    node: object = crd["spec"]["versions"][int(matched[1]) if matched else 0]["schema"]["openAPIV3Schema"]
    try:
        for name, key in _STEP.findall(inner):
            node = node[name]  # type: ignore[index]
            if key:
                node = node[int(key) if isinstance(node, list) else key]  # type: ignore[index]
    except (KeyError, IndexError, TypeError, ValueError):
        return field
    return str(node)
