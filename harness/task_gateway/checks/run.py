"""Runs the checks of each gateway, in the order of their dependencies, and groups them by category."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from task_gateway.checks import config
from task_gateway.checks.base import CATEGORIES, CHECKS, CheckResult, CheckRule, Finding, fill, profile_of
from task_gateway.errors import ApiError, ClusterUnreachable, ConfigError, Forbidden, UsageError
from task_gateway.inventory.snapshot import GatewaySnapshot
from task_gateway.inventory.target import GatewayTarget
from task_gateway.model import Check, CheckCategory, CheckReport, ResourceManager

ANSWERS = "ITG0101"


def of_config(problem: ConfigError | None, file: str) -> list[Check]:
    """Return a check for each rule of the configuration. It fails with all problems of that rule in its message."""
    found: dict[str, list[str]] = {}
    for each in problem.problems if problem else ():
        found.setdefault(config.code_of(each), []).append(str(each))
    return [
        Check(
            code=rule.code,
            description=rule.description,
            result=CheckResult.ERROR if rule.code in found else CheckResult.OK,
            message="; ".join(found.get(rule.code, [])),
            fix=rule.fix.replace("FILE", file) if rule.code in found else "",
            docs=rule.docs,
        )
        for rule in config.RULES.values()
    ]


def of_target(
    target: GatewayTarget,
    *,
    named: bool,
    uninstall: bool = False,
    profile: str = "",
    user: str = "",
    groups: Sequence[str] = (),
) -> list[Check]:
    """Return all checks of one gateway; with `named` each names its resource manager.

    `uninstall` adds checks for what an uninstall breaks. `profile` adds checks for another writer of the Gateway:
    `user`, who is in `groups`.
    """
    chosen = profile_of(profile)
    snapshot = GatewaySnapshot(target, chosen.strategy if chosen else None, profile=profile, user=user, groups=groups)
    suffix = f" ({target.manager.name})" if named else ""
    seen: dict[str, Check] = {}
    failed: set[str] = set()
    waiting = _rules(uninstall=uninstall, profile=profile)
    while waiting:
        rule = next(each for each in waiting if not any(other.code in each.depends_on for other in waiting))
        waiting.remove(rule)
        cause = next((code for code in rule.depends_on if code in failed), None)
        made = _skipped(rule, f"because {cause} failed") if cause else _run_check(rule, snapshot)
        if chosen and rule.code in chosen.escalated and made.result == CheckResult.WARNING:
            made = replace(made, result=CheckResult.ERROR)
        if cause or made.result == CheckResult.ERROR:
            failed.add(rule.code)
        seen[rule.code] = replace(made, description=made.description + suffix)
    return [seen[code] for code in sorted(seen)]


def of_unusable(manager: ResourceManager, problem: UsageError, *, profile: str = "") -> list[Check]:
    """Return the checks of a resource manager whose kubeconfig cannot be used: the first fails, the rest is skipped."""
    first, *others = _rules(uninstall=False, profile=profile)
    message = f"{problem.message} at {problem.where}"
    wrong = Check(first.code, first.description, CheckResult.ERROR, message, problem.hint or "", first.docs)
    checks = [wrong, *(_skipped(rule, f"because {ANSWERS} failed") for rule in others)]
    return [replace(each, description=f"{each.description} ({manager.name})") for each in checks]


def report(checks: Sequence[Check], only: Collection[str] = ()) -> CheckReport:
    """Return checks by category, limited to `only` if given; UsageError, with the known names, for an unknown one."""
    wanted = {each.casefold() for each in only}
    unknown = wanted - {each.casefold() for each in CATEGORIES}
    if unknown:
        raise UsageError(f"no category is called {', '.join(sorted(unknown))}", hint=f"known: {', '.join(CATEGORIES)}")
    categories = tuple(
        CheckCategory(name, found)
        for name in CATEGORIES
        if (found := tuple(each for each in checks if CHECKS.get(each.code).category == name))
        and (not wanted or name.casefold() in wanted)
    )
    success = not any(each.result == CheckResult.ERROR for category in categories for each in category.checks)
    return CheckReport(success, categories)


def unreachable(checks: Sequence[Check]) -> bool:
    """Return whether none of the checked API servers answered."""
    answers = [each for each in checks if each.code == ANSWERS]
    return bool(answers) and all(each.result == CheckResult.ERROR for each in answers)


def _rules(*, uninstall: bool, profile: str) -> list[CheckRule]:
    return [
        rule
        for rule in CHECKS
        if rule.find is not None and (uninstall or not rule.before_uninstall) and rule.profile in ("", profile)
    ]


def _run_check(rule: CheckRule, snapshot: GatewaySnapshot) -> Check:
    """Run one check. If an object may not be read it is skipped, but the checks that depend on it still run."""
    try:
        finding = _finding(rule, snapshot)
    except Forbidden as problem:
        return _skipped(rule, f"because {problem.where} may not be read")
    except ClusterUnreachable as problem:
        finding = Finding(f"{problem.message} at {problem.where}", fix=problem.hint or "")
    except ApiError as problem:
        finding = Finding(f"could not be checked: {problem.message}", warning=True, fix=problem.hint or "")
    if finding is None:
        return Check(rule.code, rule.description, CheckResult.OK, docs=rule.docs)
    result = CheckResult.WARNING if finding.warning else CheckResult.ERROR
    fix = finding.fix or _fix(rule, snapshot)
    return Check(rule.code, rule.description, result, " ".join(finding.message.split()), fix, rule.docs)


def _finding(rule: CheckRule, snapshot: GatewaySnapshot) -> Finding | None:
    """Return the problem, for a rule per namespace all of them; Forbidden if there is none and not all may be read."""
    if rule.find is None:
        return None
    if not rule.each_namespace or len(snapshot.spaces) == 1:
        return rule.find(snapshot)
    found, unread = [], []
    for space in snapshot.spaces:
        try:
            if (finding := rule.find(space)) is not None:
                found.append((space, finding))
        except Forbidden as refused:
            unread.append(refused)
    if not found and unread:
        raise unread[0]
    if not found:
        return None
    message = "; ".join(f"namespace {space.namespace}: {finding.message}" for space, finding in found)
    worst = next((each for each in found if not each[1].warning), found[0])
    return Finding(message, worst[1].warning, worst[1].fix or _fix(rule, worst[0]))


def _skipped(rule: CheckRule, why: str) -> Check:
    return Check(rule.code, rule.description, CheckResult.SKIPPED, why, docs=rule.docs)


def _fix(rule: CheckRule, snapshot: GatewaySnapshot) -> str:
    try:
        return fill(rule.fix, snapshot)
    except (ApiError, ClusterUnreachable):
        return rule.fix
