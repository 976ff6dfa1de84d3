"""What a check is, and where checks are found: a new one is a function in a module of this package.

A check's docstring is the cause that docs/checks.md gives, its `fix` the command that helps. The first two digits of
a code are its category's; a code is never used again for something else.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from task_gateway.errors import UsageError
from task_gateway.inventory.snapshot import GatewaySnapshot
from task_gateway.kube.pods import not_running
from task_gateway.limits.capacity import assess
from task_gateway.model import ManagerLimits, Manifest
from task_gateway.registry import Registry
from task_gateway.routing import determined, templates

PAGE = "docs/checks.md"
DETERMINED = "determined"
CATEGORIES = ("cluster", "CRDs", "controller", "gateway", "routing", "config", "security")
"""In the order they are run and shown; the code's first two digits count them."""


class Result(StrEnum):
    """What a check comes to. A warning does not make the preflight fail."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Trouble:
    """What is wrong, in one line; `fix` in place of the check's own where there is a better one."""

    message: str
    warning: bool = False
    fix: str = ""


@dataclass(frozen=True)
class Profile:
    """Who else than this project's library writes a Gateway: by which strategy, and which warnings are errors then."""

    strategy: str
    escalated: frozenset[str]


PROFILES = {DETERMINED: Profile(determined.STRATEGY, frozenset({"ITG0406"}))}


Look = Callable[[GatewaySnapshot], Trouble | None]


@dataclass(frozen=True)
class Rule:
    """A check of one gateway. It is skipped unless all the checks named by `after` were right, or only warned."""

    code: str
    category: str
    description: str
    fix: str
    cause: str
    after: tuple[str, ...] = ()
    look: Look | None = None
    before_uninstall: bool = False
    """It tells what `helm uninstall` would break, and is looked at only by who is about to."""
    profile: str = ""
    """It is looked at with this profile alone."""
    each_namespace: bool = False
    """It is made for the tasks of one namespace at a time."""

    @property
    def docs(self) -> str:
        """The place on the page of checks that explains this one."""
        return f"{PAGE}#{self.code.lower()}"


CHECKS: Registry[Rule] = Registry("check", "task_gateway.checks")


def check(
    code: str,
    description: str,
    fix: str,
    after: tuple[str, ...] = (),
    *,
    before_uninstall: bool = False,
    profile: str = "",
    each_namespace: bool = False,
) -> Callable[[Look], Look]:
    """Return a decorator that files a function as a check.

    `description` is what is so when all is well. In `fix`, {gateway}, {namespace}, {tasks}, {gateway_class} and
    {proxies} stand for names of the gateway that is looked at and the labels of its proxies, {upgrade} for the command
    that upgrades its chart. With `each_namespace` the function is called once for each namespace of tasks, with a
    snapshot that has only the slots, Services, routes and pods of that namespace.
    """

    def keep(look: Look) -> Look:
        cause = " ".join((look.__doc__ or "").split())
        rule = Rule(
            code, category_of(code), description, fix, cause, after, look, before_uninstall, profile, each_namespace
        )
        CHECKS.register(code)(rule)
        return look

    return keep


def profile_of(name: str) -> Profile | None:
    """Return the profile of that name, None for no name; UsageError names the known ones."""
    if name and name not in PROFILES:
        raise UsageError(f"there is no profile {name!r}", hint=f"known: {', '.join(PROFILES)}")
    return PROFILES.get(name)


@lru_cache(maxsize=16)
def limits_of(snapshot: GatewaySnapshot) -> ManagerLimits:
    """Return the limits of a gateway, looked for once however many checks ask."""
    return assess(snapshot)


def minor(version: str) -> tuple[int, ...]:
    """Return the first two numbers of a version, as in (1, 6); empty if there are none."""
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])


def some(found: Sequence[str]) -> str:
    """Return up to three of what was found, and how many more there are."""
    more = f", and {len(found) - 3} more" if len(found) > 3 else ""
    return "; ".join(found[:3]) + more


def unavailable(workloads: Sequence[Manifest], pods: Sequence[Manifest] = ()) -> str | None:
    """Return what is wrong where none of these Deployments or DaemonSets has a pod that is available, None if one has.

    With the reasons that Kubernetes has for it: the condition ReplicaFailure, and how its pods are.
    """
    if any(map(_has_available, workloads)):
        return None
    names = ", ".join(f"{each['metadata']['namespace']}/{each['metadata']['name']}" for each in workloads)
    kind = workloads[0].get("kind", "Deployment") if workloads else "Deployment"
    reasons = [reason for each in workloads if (reason := _replica_failure(each))]
    reasons += [f"Pod {each['metadata']['name']}: {said}" for each in pods if (said := not_running(each))]
    return f"no pod of {kind} {names} is available" + (f": {some(reasons)}" if reasons else "")


def _has_available(workload: Manifest) -> bool:
    status = workload.get("status") or {}
    return bool(status.get("availableReplicas") or status.get("numberAvailable"))


def _replica_failure(workload: Manifest) -> str:
    """Return why the pods of a Deployment cannot be created, empty if they can."""
    conditions = (workload.get("status") or {}).get("conditions") or []
    failed = (each for each in conditions if each["type"] == "ReplicaFailure" and each["status"] == "True")
    return next((f"{each.get('reason', '')}: {each.get('message', '')}" for each in failed), "")


def release_of(obj: Manifest | None) -> str | None:
    """Return the Helm release that an object's labels name, None if they name none."""
    labels = ((obj or {}).get("metadata") or {}).get("labels") or {}
    found: str | None = labels.get("app.kubernetes.io/instance")
    return found


def category_of(code: str) -> str:
    """Return the category that a code belongs to."""
    return CATEGORIES[int(code[3:5]) - 1]


def fill(fix: str, snapshot: GatewaySnapshot) -> str:
    """Return a command with the names of a gateway in it."""
    release = release_of(snapshot.objects.gateway) or snapshot.gateway.gateway_name
    return fix.format(
        upgrade=templates.upgrade(snapshot.gateway).replace("<release>", release),
        gateway=snapshot.gateway.gateway_name,
        namespace=snapshot.gateway.gateway_namespace,
        tasks=snapshot.namespace,
        gateway_class=snapshot.objects.spec.get("gatewayClassName", "CLASS"),
        proxies=snapshot.proxy.labels if "{proxies}" in fix else "",
    )
