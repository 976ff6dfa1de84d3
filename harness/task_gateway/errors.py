"""Every error a user can meet, as one tree; the class decides the exit code.

TaskGatewayError            1  something is wrong with what was checked
├── ApiError                1  the API server refused a request
│   ├── NotFound
│   ├── AlreadyExists
│   ├── Conflict               somebody else wrote first; read again and retry
│   ├── Forbidden              RBAC or admission
│   │   └── DeniedByPolicy     an admission policy or webhook
│   └── Invalid                validation, CEL rules included
│       ├── InvalidCrd         a CRD that is wrong for another reason than the cost of its rules
│       └── NotApproved        a CRD of a protected group without the annotation that approves it
├── CommandFailed           1  helm, kind, kubectl or the engine ended non-zero
│   └── DiskFull
├── WaitTimeout             1  a named wait ended; carries the last state seen, as a sentence and as a type
│   └── NotReachable           a task's port is not reachable: the object that causes it, and its condition
├── SystemPodFailed         1  kube-proxy or CoreDNS of a new cluster ends again and again
├── NoFreeSlot              1  every port of the gateway is taken
├── NoAddress               1  the Gateway has no address yet, and no port of it can be reached
├── TaskEnded               1  a pod or Job that is to be exposed has ended, or is being deleted
├── NotExposed              1  a task that is to be released holds no port
├── ImageMissing            1  a pod cannot start because its image is not available
├── DownloadFailed          1  a file could not be fetched, or is not the one whose checksum is pinned
├── ScenarioFailed          1  a step saw something else than it claims
├── UsageError              2  the call or a file is wrong; nothing was touched
│   ├── ConfigError            every problem of a file at once, with line and key
│   ├── EngineError            no container engine that can run a node
│   │   └── HostLimit           a limit of this machine's kernel leaves no room for another cluster
│   ├── NeedsMissing           this machine lacks what a run needs; each with the command that gets it
│   ├── ToolMissing            a program of the toolchain is not there
│   ├── ClusterExists
│   ├── ClusterUnknown
│   └── TemplatesMismatch      chart and harness speak of different task routing templates
└── ClusterUnreachable      3  no answer from an API server
    ├── CertificateRefused     its certificate, or its proxy's, is not trusted, not for this name, or out of date
    └── LoginFailed            the kubeconfig's credentials could not be obtained; no request was sent
"""

from dataclasses import dataclass, field
from enum import Enum
from typing import ClassVar, TypeVar

from task_gateway.reasons import Condition, ConfigRule, OverBudget, Refusal

Refused = TypeVar("Refused", bound="ApiError")
INTERRUPTED = 130
NOT_IN_JSON = {"json": False}
"""The metadata of a field that is for code and no part of a command's JSON."""


class TaskGatewayError(Exception):
    """What is wrong, where (file, key, object), and the command that helps."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, where: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint


@dataclass(frozen=True)
class Cause:
    """One reason of a refusal, as an API server gives it: the field, a word like FieldValueForbidden, a sentence.

    `over_budget` is set where CEL rules are estimated to cost too much, `contributes` where a rule is one of those that
    make a whole schema cost too much.
    """

    field: str
    reason: str
    message: str
    over_budget: OverBudget | None = None
    contributes: bool = False


class ApiError(TaskGatewayError):
    """The API server refused a request; `status` is the HTTP code, 0 if there was none, `causes` its details.

    `reasons` is why, as far as code decides on it; `denied_by` is the admission policy or webhook that refused it.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 0,
        where: str | None = None,
        hint: str | None = None,
        causes: tuple[Cause, ...] = (),
        reasons: frozenset[Refusal] = frozenset(),
        denied_by: str = "",
    ) -> None:
        super().__init__(message, where=where, hint=hint)
        self.status = status
        self.causes = causes
        self.reasons = reasons
        self.denied_by = denied_by

    def told_as(self, error: type[Refused], message: str, *, hint: str | None) -> Refused:
        """Return the same refusal as another error, with another sentence."""
        return error(
            message,
            status=self.status,
            where=self.where,
            hint=hint,
            causes=self.causes,
            reasons=self.reasons,
            denied_by=self.denied_by,
        )


class NotFound(ApiError):
    """The object, or its kind, does not exist (404)."""


class AlreadyExists(ApiError):
    """An object of that name exists (409, reason AlreadyExists)."""


class Conflict(ApiError):
    """The object changed since it was read (409)."""


class Forbidden(ApiError):
    """RBAC or an admission policy refuses the request (401, 403)."""


class DeniedByPolicy(Forbidden):
    """An admission policy or webhook of the cluster denied the request."""


class Invalid(ApiError):
    """The object does not pass validation (400, 422)."""


class InvalidCrd(Invalid):
    """A CRD is wrong for another reason than the cost of its rules."""


class NotApproved(Invalid):
    """A CRD of a group under k8s.io or kubernetes.io lacks the annotation api-approved.kubernetes.io."""


class CommandFailed(TaskGatewayError):
    """A program ended with a non-zero `code`; `tail` holds its last lines of output."""

    def __init__(
        self, message: str, *, code: int, tail: str = "", where: str | None = None, hint: str | None = None
    ) -> None:
        super().__init__(message, where=where, hint=hint)
        self.code = code
        self.tail = tail


class DiskFull(CommandFailed):
    """A program ended because a file system is full."""


class WaitTimeout(TaskGatewayError):
    """The wait called `name` ended after `seconds`; `last_state` is a sentence of what was seen last.

    `seen` is the same as a type, to decide on: the condition that is not as wanted, what a port did
    (routing.reach.Answer), or None where there is a sentence only.
    """

    def __init__(
        self,
        message: str,
        *,
        name: str,
        seconds: float,
        last_state: str,
        where: str | None = None,
        seen: Condition | Enum | None = None,
    ) -> None:
        super().__init__(message, where=where, hint=None)
        self.name = name
        self.seconds = seconds
        self.last_state = last_state
        self.seen = seen


class NotReachable(WaitTimeout):
    """A task that is exposed cannot be reached; `where` is the object that stands in the way."""


class SystemPodFailed(TaskGatewayError):
    """A pod that all others of a cluster depend on ends again and again; the message has its last line."""


class NoFreeSlot(TaskGatewayError):
    """Every slot of the gateway serves a task."""


class NoAddress(TaskGatewayError):
    """The Gateway has no address yet; the message has the condition with the reason."""


class TaskEnded(TaskGatewayError):
    """A pod or Job that is to be exposed has ended, or is being deleted; nothing was written."""


class NotExposed(TaskGatewayError):
    """A task that is to be released holds no port; nothing was written."""


class ImageMissing(TaskGatewayError):
    """A container's image can neither be found nor pulled."""


class DownloadFailed(TaskGatewayError):
    """A file could not be fetched, or has another checksum than expected."""


class ScenarioFailed(TaskGatewayError):
    """A step of a scenario saw something else than it claims."""


class UsageError(TaskGatewayError):
    """The call is wrong; nothing was touched."""

    exit_code = 2


@dataclass(frozen=True)
class Problem:
    """One thing wrong in a file: the rule it breaks. `line` counts from 1; 0 where the whole file is meant."""

    file: str
    line: int
    key: str
    message: str
    rule: ConfigRule = field(metadata=NOT_IN_JSON)

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return ": ".join(part for part in (place, self.key, self.message) if part)


class ConfigError(UsageError):
    """A configuration file breaks rules; `problems` has all of them."""

    def __init__(self, problems: tuple[Problem, ...], *, hint: str | None = None) -> None:
        count = len(problems)
        super().__init__(f"{count} problem{'' if count == 1 else 's'} in the configuration", hint=hint)
        self.problems = problems


class EngineError(UsageError):
    """No container engine here starts a privileged container."""


class HostLimit(EngineError):
    """A limit of this machine's kernel leaves no room for another cluster; `hint` is the command that raises it."""


class NeedsMissing(UsageError):
    """This machine lacks what a run needs; `needs` has the name, the state and the command of each."""

    def __init__(self, needs: tuple[tuple[str, str, str], ...]) -> None:
        told = "; ".join(f"{name}: {state}" for name, state, _ in needs)
        super().__init__(f"this machine lacks {told}", hint="; ".join(command for *_, command in needs if command))
        self.needs = needs


class ToolMissing(UsageError):
    """A program of the toolchain is not there."""


class ClusterExists(UsageError):
    """A cluster of that name is already up."""


class ClusterUnknown(UsageError):
    """There is no cluster of that name."""


class TemplatesMismatch(UsageError):
    """The chart's task routing templates are not the ones this harness speaks."""


class ClusterUnreachable(TaskGatewayError):
    """No answer from an API server."""

    exit_code = 3


class CertificateRefused(ClusterUnreachable):
    """The certificate of the API server or of its proxy is not trusted, not for the name used, or out of date."""


class LoginFailed(ClusterUnreachable):
    """The credentials of a kubeconfig could not be obtained, so no request was sent: a login command that failed."""
