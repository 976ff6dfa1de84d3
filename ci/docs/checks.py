"""The page of all checks, from the checks themselves; `make pages` writes it."""

import textwrap

from task_gateway.checks.base import CATEGORIES, CHECKS, Rule
from task_gateway.controllers.base import default

WIDTH = 120
INTRODUCTION = """# Checks

    task-gateway check --config master.yaml
    task-gateway check --only gateway --only routing -o json
    task-gateway check --wait
    task-gateway check --profile determined --as system:serviceaccount:determined:determined-master

looks at each resource manager's gateway, from the cluster to the ports, and says what is wrong, why, and the
command that helps. Without `--config` it looks at the Gateways that the chart installed. Nothing is changed.

`√` is right, `‼` works and will trouble somebody, `×` does not work. A check that depends on one that failed is
skipped. `--wait` looks again whenever the Gateway changes, until nothing is wrong.

`--profile determined` is for a Gateway that a Determined master writes: it looks also at what breaks then, and takes
node ports for an error. `--as` names the user or service account whose rights are looked at, where it is not the
kubeconfig's. [determined.md](determined.md) has the whole of it. `--as-group` adds a group of that user, as with
kubectl; it may be given more than once.

Slots, Services, routes and pods are checked in every task namespace of the gateway. With several, the message names the
namespace of each finding.

Exit code 0 if nothing is wrong (warnings are fine), 1 if something is, 2 for a wrong configuration, 3 if no cluster
answers. `-o json` prints `success` and `categories`, a list of `name` and `checks`, each with `code`, `description`,
`result` (ok, warning, error, skipped), `message`, `fix` and `docs`. `-o junit` prints JUnit XML. Codes are stable.

In the commands, GATEWAY, NAMESPACE and TASKS stand for the Gateway, its namespace and that of the tasks; the output
has their names, and where it can, the numbers and objects that were found.
"""
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


def _section(rule: Rule) -> str:
    fix = rule.fix.format(**STANDS_FOR)
    profile = f"\n\nLooked at with `--profile {rule.profile}` alone." if rule.profile else ""
    after = f"\n\nLooked at after {', '.join(rule.after)}." if rule.after else ""
    cause = textwrap.fill(rule.cause, WIDTH)
    return f"### {rule.code}\n\nRight when {rule.description}.\n\n{cause}{profile}{after}\n\n    {fix}\n"
