"""The types and the registry of checks. To add one, add a function to a module of this package.

The docstring of a check is its cause in docs/checks.md, and `fix` is the command that fixes it. The first two digits of
a code are those of its category. A code is never reused.
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
"""The categories, in the order in which they run and are shown; the first two digits of a code are the position."""


class CheckResult(StrEnum):
    """The result of a check. A warning does not make the preflight fail."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Finding:
    """The problem, in one line. `fix` replaces the fix of the check if a more specific one is known."""

    message: str
    warning: bool = False
    fix: str = ""


@dataclass(frozen=True)
class Profile:
    """A writer of the Gateway other than this library: its strategy, and the warnings that become errors."""

    strategy: str
    escalated: frozenset[str]


PROFILES = {DETERMINED: Profile(determined.STRATEGY, frozenset({"ITG0406"}))}


CheckFunction = Callable[[GatewaySnapshot], Finding | None]


@dataclass(frozen=True)
class CheckRule:
    """A check of one gateway. It is skipped if one of the checks in `depends_on` fails; a warning is no failure."""

    code: str
    category: str
    description: str
    fix: str
    cause: str
    depends_on: tuple[str, ...] = ()
    find: CheckFunction | None = None
    before_uninstall: bool = False
    """It reports what `helm uninstall` would break, and only runs with `--uninstall`."""
    profile: str = ""
    """It only runs with this profile."""
    each_namespace: bool = False
    """It runs once for each task namespace."""

    @property
    def docs(self) -> str:
        """The section of the page of checks that explains this one."""
        return f"{PAGE}#{self.code.lower()}"


CHECKS: Registry[CheckRule] = Registry("check", "task_gateway.checks")


def check(
    code: str,
    description: str,
    fix: str,
    depends_on: tuple[str, ...] = (),
    *,
    before_uninstall: bool = False,
    profile: str = "",
    each_namespace: bool = False,
) -> Callable[[CheckFunction], CheckFunction]:
    """Return a decorator that registers a function as a check.

    `description` states what holds if the check passes. In `fix`, {gateway}, {namespace}, {tasks}, {gateway_class} and
    {proxies} stand for names of the checked gateway and the labels of its proxies, {upgrade} for the command that
    upgrades its chart. With `each_namespace` the function is called once for each task namespace, with a snapshot that
    only has the slots, Services, routes and pods of that namespace.
    """

    def keep(find: CheckFunction) -> CheckFunction:
        cause = " ".join((find.__doc__ or "").split())
        rule = CheckRule(
            code,
            category_of(code),
            description,
            fix,
            cause,
            depends_on,
            find,
            before_uninstall,
            profile,
            each_namespace,
        )
        CHECKS.register(code)(rule)
        return find

    return keep


def profile_of(name: str) -> Profile | None:
    """Return the profile of that name, None for no name; UsageError, with the known names, if there is none."""
    if name and name not in PROFILES:
        raise UsageError(f"there is no profile {name!r}", hint=f"known: {', '.join(PROFILES)}")
    return PROFILES.get(name)


@lru_cache(maxsize=16)
def limits_of(snapshot: GatewaySnapshot) -> ManagerLimits:
    """Return the limits of a gateway, read once for all checks."""
    return assess(snapshot)


def minor(version: str) -> tuple[int, ...]:
    """Return the first two numbers of a version, such as (1, 6); empty if there are none."""
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])


def some(found: Sequence[str]) -> str:
    """Return up to three of the names, and how many more there are."""
    more = f", and {len(found) - 3} more" if len(found) > 3 else ""
    return "; ".join(found[:3]) + more


def unavailable(workloads: Sequence[Manifest], pods: Sequence[Manifest] = ()) -> str | None:
    """Return the problem if none of these Deployments or DaemonSets has an available pod, None if one has.

    Includes the reasons that Kubernetes reports: the condition ReplicaFailure, and the state of the pods.
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
    """Return the command with the names of a gateway filled in."""
    release = release_of(snapshot.objects.gateway) or snapshot.gateway.gateway_name
    return fix.format(
        upgrade=templates.upgrade(snapshot.gateway).replace("<release>", release),
        gateway=snapshot.gateway.gateway_name,
        namespace=snapshot.gateway.gateway_namespace,
        tasks=snapshot.namespace,
        gateway_class=snapshot.objects.spec.get("gatewayClassName", "CLASS"),
        proxies=snapshot.proxy.labels if "{proxies}" in fix else "",
    )
