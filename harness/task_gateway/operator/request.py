"""Reads the ports that a pod requests by its label, and checks which of them the administrator allows."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from task_gateway.errors import UsageError
from task_gateway.operator.pods import Pod

FIRST, LAST = 1, 65535


class ExposeReason(StrEnum):
    """The reasons of the condition on a pod. The values are stable."""

    EXPOSED = "Exposed"
    NO_FREE_SLOT = "NoFreeSlot"
    NOT_ALLOWED = "NotAllowed"
    INVALID_PORT = "InvalidPort"


@dataclass(frozen=True, slots=True)
class RequestedPort:
    """One port of a pod: its form in the label, its number, and the requested port of the gateway."""

    written: str
    number: int
    gateway_port: int | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """The ports that a pod may have. With a `problem`, it gets no further port, and `message` has the reason."""

    ports: tuple[RequestedPort, ...] = ()
    problem: ExposeReason | None = None
    message: str = ""


@dataclass(frozen=True)
class Allowed:
    """The pod ports that may be exposed, as ranges with both ends included; without a range, all ports."""

    ranges: tuple[tuple[int, int], ...] = ()

    def __contains__(self, port: int) -> bool:
        return not self.ranges or any(first <= port <= last for first, last in self.ranges)

    def __str__(self) -> str:
        return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in self.ranges)


ALL = Allowed()


def allowed(text: str) -> Allowed:
    """Parse a text such as `8888,6006,8000-9000`; UsageError if it is invalid. An empty text allows every port."""
    ranges = []
    for part in filter(None, (each.strip() for each in text.split(","))):
        first, dash, last = part.partition("-")
        ends = (_number(first), _number(last if dash else first))
        if ends[0] is None or ends[1] is None or ends[0] > ends[1]:
            raise UsageError(
                f"{part!r} is no port and no range of ports", where="--allowed-ports", hint="8888,6006,8000-9000"
            )
        ranges.append((ends[0], ends[1]))
    return Allowed(tuple(ranges))


def requested(pod: Pod, permitted: Allowed, *, claimed: bool = False) -> Request:
    """Return the request of a pod. A port that is invalid or not allowed is left out and reported as the problem.

    The task label of another task is also a problem, unless the operator already has `claimed` slots for the pod.
    """
    if pod.label is None:
        return Request()
    named, wishes = dict(pod.named), _wishes(pod.gateway_ports)
    found: list[RequestedPort] = []
    problem: tuple[ExposeReason, str] | None = None
    for index, written in enumerate(pod.label.split(".")):
        number = _number(written) if written.isdecimal() else named.get(written)
        if number is None:
            problem = problem or (ExposeReason.INVALID_PORT, _invalid(written))
        elif number in (each.number for each in found):
            problem = problem or (ExposeReason.INVALID_PORT, f"port {number} is named twice")
        elif number not in permitted:
            message = f"port {number} may not be exposed; allowed are {permitted}"
            problem = problem or (ExposeReason.NOT_ALLOWED, message)
        else:
            gateway_port = wishes[index] if wishes is not None and index < len(wishes) else None
            found.append(RequestedPort(written, number, gateway_port))
    if wishes is None:
        problem = problem or (ExposeReason.INVALID_PORT, f"the wish {pod.gateway_ports!r} is no port of the gateway")
    if not claimed and pod.task not in ("", pod.uid):
        message = f"the pod has the task label of {pod.task}: a resource manager or the command line exposes it"
        problem = problem or (ExposeReason.NOT_ALLOWED, message)
    return Request(tuple(found), *(problem or (None, "")))


def _wishes(text: str) -> Sequence[int] | None:
    """Return the requested ports; None if the text is invalid."""
    numbers = [_number(each) for each in text.split(".")] if text else []
    return None if None in numbers else [each for each in numbers if each is not None]


def _number(text: str) -> int | None:
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(LAST))):
        return None
    return int(text) if FIRST <= int(text) <= LAST else None


def _invalid(written: str) -> str:
    if written.isdecimal():
        return f"{written} is no port: use {FIRST} to {LAST}"
    return f"no container of the pod has a TCP port named {written!r}"
