"""Maps responses of an API server to our errors. No other module does."""

import json

from task_gateway.errors import AlreadyExists, ApiError, Cause, Conflict, Forbidden, Invalid, NotFound
from task_gateway.kube import refusals

BY_STATUS: dict[int, type[ApiError]] = {
    400: Invalid,
    401: Forbidden,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    422: Invalid,
}
HINTS: dict[type[ApiError], str] = {
    Forbidden: "kubectl auth can-i --list",
    NotFound: "kubectl api-resources",
}


def map_status(status: int, body: str | bytes | None, where: str) -> ApiError:
    """Return our error for an HTTP `status` whose `body` is a Kubernetes Status object, or anything else."""
    details = _status_object(body)
    message = str(details.get("message") or _text(body) or f"HTTP status {status}")
    error = AlreadyExists if details.get("reason") == "AlreadyExists" else BY_STATUS.get(status, ApiError)
    causes = _causes(details)
    reasons = refusals.reasons(message, causes)
    return error(
        message,
        status=status,
        where=where,
        hint=HINTS.get(error),
        causes=causes,
        reasons=reasons,
        denied_by=refusals.denied_by(message, reasons),
    )


def _causes(details: dict[str, object]) -> tuple[Cause, ...]:
    inner = details.get("details")
    causes = inner.get("causes") if isinstance(inner, dict) else None
    return tuple(refusals.cause(each) for each in causes or [])


def _status_object(body: str | bytes | None) -> dict[str, object]:
    try:
        loaded = json.loads(body or "")
    except ValueError:
        return {}
    return loaded if isinstance(loaded, dict) else {}


def _text(body: str | bytes | None) -> str:
    return body.decode(errors="replace") if isinstance(body, bytes) else (body or "")
