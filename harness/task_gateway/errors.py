"""All errors that users can see, as one tree; the class determines the exit code.

TaskGatewayError            1  a problem with the checked object
├── ApiError                1  the API server refused a request
│   ├── NotFound
│   ├── AlreadyExists
│   ├── Conflict               another client wrote first; read again and retry
│   ├── Forbidden              RBAC or admission
│   │   └── DeniedByPolicy     an admission policy or webhook
│   └── Invalid                validation, including CEL rules
│       ├── InvalidCrd         a CRD that is invalid for another reason than the cost of its rules
│       └── NotApproved        a CRD of a protected group without the annotation that approves it
├── CommandFailed           1  helm, kind, kubectl or the engine ended non-zero
│   └── DiskFull
├── WaitTimeout             1  a named wait ended; carries the last state seen, as a sentence and as a type
│   └── NotReachable           a task's port is not reachable: the object that causes it, and its condition
├── SystemPodFailed         1  kube-proxy or CoreDNS of a new cluster keeps crashing
├── NoFreeSlot              1  every port of the gateway is taken
├── NoAddress               1  the Gateway has no address yet, and no port of it can be reached
├── TaskEnded               1  the pod or Job to expose has ended, or is being deleted
├── NotExposed              1  the task to release holds no port
├── ImageMissing            1  a pod cannot start because its image is not available
├── DownloadFailed          1  a file could not be downloaded, or its checksum differs from the pinned one
├── ScenarioFailed          1  a step of a scenario got an unexpected result
├── UsageError              2  the arguments or a file are wrong; nothing was changed
│   ├── ConfigError            all problems of a file, with line and key
│   ├── EngineError            no container engine that can run a node
│   │   └── HostLimit           a limit of this machine's kernel prevents another cluster
│   ├── NeedsMissing           this machine lacks requirements of a run; each with the command to install it
│   ├── ToolMissing            a program of the toolchain is missing
│   ├── ClusterExists
│   ├── ClusterUnknown
│   └── TemplatesMismatch      chart and library have different versions of the task routing templates
└── ClusterUnreachable      3  no answer from an API server
    ├── CertificateRefused     its certificate, or its proxy's, is not trusted, is for another name, or has expired
    └── LoginFailed            the kubeconfig's credentials could not be obtained; no request was sent
"""

from dataclasses import dataclass, field
from enum import Enum
from typing import ClassVar, TypeVar

from task_gateway.reasons import Condition, ConfigRule, OverBudget, Refusal

Refused = TypeVar("Refused", bound="ApiError")
INTERRUPTED = 130
NOT_IN_JSON = {"json": False}
"""The metadata of a field that is only for code, and not part of a command's JSON."""


class TaskGatewayError(Exception):
    """An error with a message, its place (file, key, object), and a command that fixes it."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, where: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint


@dataclass(frozen=True)
class Cause:
    """One cause in a refusal by an API server: the field, a reason such as FieldValueForbidden, and a sentence.

    `over_budget` is set if the estimated cost of CEL rules is too high, `contributes` if a rule is one of those that
    make a whole schema too expensive.
    """

    field: str
    reason: str
    message: str
    over_budget: OverBudget | None = None
    contributes: bool = False


class ApiError(TaskGatewayError):
    """The API server refused a request; `status` is the HTTP code, 0 if there was none, `causes` its details.

    `reasons` has the reasons that code uses; `denied_by` is the admission policy or webhook that refused it.
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
        """Return the same refusal as an error of another class, with another message."""
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
    """The object has changed since it was read (409)."""


class Forbidden(ApiError):
    """RBAC or an admission policy refuses the request (401, 403)."""


class DeniedByPolicy(Forbidden):
    """An admission policy or webhook of the cluster denied the request."""


class Invalid(ApiError):
    """The object does not pass validation (400, 422)."""


class InvalidCrd(Invalid):
    """A CRD is invalid for another reason than the cost of its rules."""


class NotApproved(Invalid):
    """A CRD of a group under k8s.io or kubernetes.io lacks the annotation api-approved.kubernetes.io."""


class CommandFailed(TaskGatewayError):
    """A program ended with a non-zero exit code; `tail` has the last lines of its output."""

    def __init__(
        self, message: str, *, code: int, tail: str = "", where: str | None = None, hint: str | None = None
    ) -> None:
        super().__init__(message, where=where, hint=hint)
        self.code = code
        self.tail = tail


class DiskFull(CommandFailed):
    """A program ended because a file system is full."""


class WaitTimeout(TaskGatewayError):
    """The wait `name` ended after `seconds`; `last_state` is a sentence about the last state.

    `seen` is that state as a type for code: the condition that is not met, the result at a port
    (routing.reach.Answer), or None if there is only a sentence.
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
    """An exposed task is not reachable; `where` is the object that prevents it."""


class SystemPodFailed(TaskGatewayError):
    """A pod that all others of a cluster depend on keeps crashing; the message has the last line of its log."""


class NoFreeSlot(TaskGatewayError):
    """Every slot of the gateway serves a task."""


class NoAddress(TaskGatewayError):
    """The Gateway has no address yet; the message has the condition with the reason."""


class TaskEnded(TaskGatewayError):
    """The pod or Job to expose has ended, or is being deleted; nothing was written."""


class NotExposed(TaskGatewayError):
    """The task to release holds no port; nothing was written."""


class ImageMissing(TaskGatewayError):
    """The image of a container cannot be found or pulled."""


class DownloadFailed(TaskGatewayError):
    """A file could not be downloaded, or has an unexpected checksum."""


class ScenarioFailed(TaskGatewayError):
    """A step of a scenario got an unexpected result."""


class UsageError(TaskGatewayError):
    """The arguments are wrong; nothing was changed."""

    exit_code = 2


@dataclass(frozen=True)
class Problem:
    """A problem in a file, with the rule that it breaks. `line` counts from 1; 0 means the whole file."""

    file: str
    line: int
    key: str
    message: str
    rule: ConfigRule = field(metadata=NOT_IN_JSON)

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return ": ".join(part for part in (place, self.key, self.message) if part)


class ConfigError(UsageError):
    """A configuration file is invalid; `problems` has all reasons."""

    def __init__(self, problems: tuple[Problem, ...], *, hint: str | None = None) -> None:
        count = len(problems)
        super().__init__(f"{count} problem{'' if count == 1 else 's'} in the configuration", hint=hint)
        self.problems = problems


class EngineError(UsageError):
    """No container engine on this machine can start a privileged container."""


class HostLimit(EngineError):
    """A limit of this machine's kernel prevents another cluster; `hint` is the command that raises it."""


class NeedsMissing(UsageError):
    """This machine lacks requirements of a run; `needs` has the name, the state and the command for each."""

    def __init__(self, needs: tuple[tuple[str, str, str], ...]) -> None:
        told = "; ".join(f"{name}: {state}" for name, state, _ in needs)
        super().__init__(f"this machine lacks {told}", hint="; ".join(command for *_, command in needs if command))
        self.needs = needs


class ToolMissing(UsageError):
    """A program of the toolchain is missing."""


class ClusterExists(UsageError):
    """A cluster of that name is already up."""


class ClusterUnknown(UsageError):
    """There is no cluster of that name."""


class TemplatesMismatch(UsageError):
    """The chart's task routing templates have a version that this library does not support."""


class ClusterUnreachable(TaskGatewayError):
    """No answer from an API server."""

    exit_code = 3


class CertificateRefused(ClusterUnreachable):
    """The certificate of the API server or its proxy is not trusted, is for another name, or has expired."""


class LoginFailed(ClusterUnreachable):
    """The credentials of a kubeconfig could not be obtained, for example by a login command; no request was sent."""
