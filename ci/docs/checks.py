"""The page of all checks, from the checks themselves; `make pages` writes it."""

import textwrap

from task_gateway.checks.base import CATEGORIES, CHECKS, CheckRule
from task_gateway.controllers.base import default

WIDTH = 120
INTRODUCTION = """# Checks

    task-gateway check --config master.yaml
    task-gateway check --only gateway --only routing -o json
    task-gateway check --wait
    task-gateway check --profile determined --as system:serviceaccount:determined:determined-master

`task-gateway check` checks the gateway of each resource manager, from the cluster to the ports. It reports what is
wrong, why, and how to fix it. Without `--config` it checks all Gateways that the chart installed. It changes nothing.

`√` is ok, `‼` is a warning, `×` is an error. A check is skipped if a check that it depends on fails. `--wait` checks
again whenever the Gateway changes, until nothing is wrong.

`--profile determined` is for a Gateway that a Determined master writes. It adds checks for this case, and node ports
are an error. `--as` sets the user or service account whose rights are checked, instead of the user of the kubeconfig.
`--as-group` adds a group of that user, as with kubectl. It is repeatable. See [determined.md](determined.md).

Slots, Services, routes and pods are checked in every task namespace of the gateway. If there are several, the message
names the namespace of each finding.

Exit code 0 if no check fails (warnings do not count), 1 if one fails, 2 for an invalid configuration, 3 if no cluster
is reachable. `-o json` prints `success` and `categories`. Each category has a `name` and `checks`, and each check has
`code`, `description`, `result` (ok, warning, error, skipped), `message`, `fix` and `docs`. `-o junit` prints JUnit XML.
Codes are stable.

In the commands below, GATEWAY, NAMESPACE and TASKS stand for the Gateway, its namespace and the task namespace. The
output has the real names, and the numbers and objects that were found.
"""
NO_COMMAND = "none here"
"""How a fix begins that is no command."""
STANDS_FOR = {
    "gateway": "GATEWAY",
    "namespace": "NAMESPACE",
    "tasks": "TASKS",
    "gateway_class": "CLASS",
    "proxies": default().proxies("GATEWAY", "NAMESPACE"),
    "upgrade": "helm upgrade RELEASE internal-task-gateway --namespace NAMESPACE --reuse-values",
}


def page() -> str:
    """Return the page."""
    parts = [INTRODUCTION]
    for category in CATEGORIES:
        parts.append(f"## {category}\n")
        for rule in CHECKS:
            if rule.category == category:
                parts.append(_section(rule))
    return "\n".join(parts)


def _section(rule: CheckRule) -> str:
    fix = rule.fix.format(**STANDS_FOR)
    when = [f"Only checked with `--profile {rule.profile}`."] if rule.profile else []
    when += ["Only checked with `--uninstall`."] if rule.before_uninstall else []
    when += [f"Skipped if {_either(rule.depends_on)} fails."] if rule.depends_on else []
    parts = [
        f'<a id="{rule.code.lower()}"></a>',  # `docs` in the output of the command links to it
        f"### {rule.code}: {rule.description}",
        f"**Check.** {_sentence(rule.description)}. {' '.join(when)}".rstrip(),
        textwrap.fill(f"**Cause.** {rule.cause}", WIDTH),
        f"**Fix.** {_sentence(fix.removeprefix(f'{NO_COMMAND}: '))}.\n"
        if fix.startswith(NO_COMMAND)
        else f"**Fix.**\n\n    {fix}\n",
    ]
    return "\n\n".join(parts)


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]


def _either(codes: tuple[str, ...]) -> str:
    *others, last = codes
    return f"{', '.join(others)} or {last}" if others else last
