"""Types the reasons of refusals by an API server. Only this module reads the text of messages.

If a field of the Status object has the reason, it is read from there. Otherwise Kubernetes only has a text. The texts
are those of Kubernetes 1.34 and 1.37 (from the sources of 1.34.11 and 1.37.0, in the files that are named here). If
another release has a different text, the refusal has no reason and is shown unchanged.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from task_gateway.errors import Cause
from task_gateway.reasons import OverBudget, Refusal

APPROVAL = "api-approved.kubernetes.io"
"""The annotation that a CRD of a protected group needs; the cause of a refusal names it as its field."""
TOO_MANY = "FieldValueTooMany"
"""The reason of a cause: apimachinery, pkg/util/validation/field/errors.go."""

WORDS: Mapping[Refusal, re.Pattern[str]] = {
    # apiextensions-apiserver, pkg/apiserver/schema/cel/validation.go: of one object, of one rule. 1.34, 1.37
    Refusal.RULE_COST: re.compile(
        "running out of cost budget|actual cost limit exceeded|due to call cost exceeds limit"
    ),
    # etcd, api/v3rpc/rpctypes/error.go, passed on by the API server. 1.34, 1.37
    Refusal.TOO_LARGE: re.compile("etcdserver: request is too large"),
    # apiserver, pkg/admission/plugin/resourcequota/controller.go. 1.34, 1.37
    Refusal.QUOTA: re.compile("exceeded quota: "),
    # kubernetes, pkg/registry/core/service/{ipallocator/interfaces,portallocator/allocator}.go. 1.34, 1.37
    Refusal.NO_SERVICE_ADDRESS: re.compile("range is full"),
    # apiserver, pkg/admission/plugin: policy/validating/dispatcher.go, policy/generic/policy_dispatcher.go and
    # webhook/errors/statuserror.go. 1.34, 1.37
    Refusal.DENIED: re.compile(r"denied (?:the )?request|admission webhook \"[^\"]*\" does not support dry run"),
}
_DENIED_BY = re.compile(r"(?:[Pp]olicy ['\"]([^'\"]+)['\"]|admission webhook \"([^\"]+)\")")  # the same files

# apiextensions-apiserver, pkg/apis/apiextensions/validation/validation.go. 1.34, 1.37
_FACTOR = re.compile(r"cost (?:total for entire OpenAPIv3 schema )?exceeds budget by factor of ([\d.]+|more than 100)x")
_CONTRIBUTES = "contributed to estimated rule cost total"


def cause(reported: Mapping[str, Any]) -> Cause:
    """Return an entry of `details.causes` of a Status object."""
    field, reason = reported.get("field", ""), reported.get("reason", "")
    message = reported.get("message", "")
    found = _FACTOR.search(message)
    over = OverBudget(None if found[1] == "more than 100" else float(found[1])) if found else None
    return Cause(field, reason, message, over, contributes=_CONTRIBUTES in message)


def reasons(message: str, causes: Iterable[Cause]) -> frozenset[Refusal]:
    """Return the reasons of a refusal, from the message and the causes of a Status object; empty if unknown."""
    found = {refusal for refusal, words in WORDS.items() if words.search(message)}
    for each in causes:
        if each.reason == TOO_MANY:
            found.add(Refusal.TOO_MANY_ITEMS)
        if APPROVAL in each.field:
            found.add(Refusal.NOT_APPROVED)
    return frozenset(found)


def denied_by(message: str, why: frozenset[Refusal]) -> str:
    """Return the admission policy or webhook that denies a request, empty if none does."""
    found = _DENIED_BY.search(message) if Refusal.DENIED in why else None
    return (found[1] or found[2]) if found else ""
