"""The planner: what the operator does next for one pod, from what is known of it and of the slots. Pure functions.

One step at a time: after each the same question is asked again. A crash between two steps, or the write of another
client, therefore needs no extra code.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from task_gateway.model import Address
from task_gateway.operator.pods import Pod
from task_gateway.operator.request import ExposeReason, Request, RequestedPort
from task_gateway.operator.result import ExposeResult, same
from task_gateway.routing import table
from task_gateway.routing.table import Slot


@dataclass(frozen=True, slots=True)
class ClaimSlot:
    """Take a slot for one port of a pod: a free one, or one that is kept for the pod's Job."""

    pod: Pod
    port: RequestedPort
    slot: Slot


@dataclass(frozen=True, slots=True)
class ReleaseSlot:
    """Free a slot of a pod that has ended, or that does not request it (any more).

    A pod that has not ended may have changed since it was seen, so a request to the API server comes first: it must
    be as it was, or, where `pod` is None, not be there, or carry no label.
    """

    slot: Slot
    pod: Pod | None


@dataclass(frozen=True, slots=True)
class RestoreSlot:
    """Give a claimed slot the selector of its claim again."""

    slot: Slot


@dataclass(frozen=True, slots=True)
class PublishResult:
    """Write the result on a pod. `slots` are those of addresses that come or go: each must be as it was seen still."""

    pod: Pod
    result: ExposeResult
    slots: tuple[Slot, ...] = ()


@dataclass(frozen=True, slots=True)
class ClearResult:
    """Remove what is written on a pod that carries the label no more, as a request to the API server has to confirm."""

    pod: Pod


Step = ClaimSlot | ReleaseSlot | RestoreSlot | PublishResult | ClearResult


@dataclass(frozen=True)
class View:
    """What is known of one task: its pod, what that requests, and its slots.

    `held` are the slots that the operator claimed for it, `host` is the gateway's address, empty while it has none.
    `offers` are the slots that each missing port may take now, None where others are before it or too few are free;
    `lack` is how many there are. `kept` means that a living Job keeps the slots of this pod, which has ended. `left`
    is a pod with something written on it that was seen before, and does not carry the label any more, or is gone.
    `shown` are the slots of the ports that the pod showed last, by its own port as its label names it; others may have
    them by now, and what was written on the pod may have been removed since.
    """

    pod: Pod | None
    request: Request
    held: Sequence[Slot]
    host: str
    offers: Mapping[int, Slot] | None
    lack: str = ""
    kept: bool = False
    left: Pod | None = None
    shown: Mapping[str, Slot] = field(default_factory=dict)


def next_step(view: View) -> Step | None:
    """Return what to do next for a task; None if all is as it should be, or has to wait for a change."""
    pod = view.pod
    if pod is None or pod.ended or pod.label is None:
        return _end(view)
    mine = chosen(view.request, view.held, [each.port for each in view.shown.values()])
    for slot in mine.values():
        if not table.agrees(slot):
            return RestoreSlot(slot)
    missing = [port for port in view.request.ports if port.number not in mine]
    if missing and view.request.problem is None and pod.address and view.host and view.offers is not None:
        return ClaimSlot(pod, missing[0], view.offers[missing[0].number])
    result = _result(view, mine, missing)
    if result is not None and not same(pod, result):
        now = dict(_named(view.request, mine))
        differ = [
            each
            for port in view.request.ports
            for each in (now.get(port.written), view.shown.get(port.written))
            if now.get(port.written) != view.shown.get(port.written) and each is not None
        ]
        return PublishResult(pod, result, tuple(differ))
    for slot in view.held:
        if mine.get(_number(slot)) != slot:
            return ReleaseSlot(slot, pod)
    return None


def chosen(request: Request, held: Sequence[Slot], shown: Collection[int] = ()) -> dict[int, Slot]:
    """Return the slot of each port that a pod requests: the one that it showed last, else the one claimed first."""
    found: dict[int, Slot] = {}
    for port in request.ports:
        slots = [slot for slot in held if _number(slot) == port.number]
        if slots:
            found[port.number] = min(slots, key=lambda slot: (slot.port not in shown, slot.claimed_at, slot.port))
    return found


def _end(view: View) -> Step | None:
    if view.held and not view.kept:
        return ReleaseSlot(view.held[0], view.pod)
    if view.pod is not None and view.pod.marked and not view.pod.deleted:
        return PublishResult(view.pod, ExposeResult())
    return ClearResult(view.left) if view.left is not None else None


def _result(view: View, mine: Mapping[int, Slot], missing: Sequence[RequestedPort]) -> ExposeResult | None:
    """Return what the pod should show; None as long as it is not known."""
    pod, request = view.pod, view.request
    if pod is None or (mine and not view.host):
        return None
    addresses = tuple((written, str(Address(view.host, slot.port))) for written, slot in _named(request, mine))
    if request.problem is not None:
        return ExposeResult(addresses, request.problem, request.message)
    if not missing:
        ports = ", ".join(f"port {written} at {address}" for written, address in addresses)
        return ExposeResult(addresses, ExposeReason.EXPOSED, ports)
    if pod.address and view.host and view.lack:
        return ExposeResult(addresses, ExposeReason.NO_FREE_SLOT, view.lack)
    return None


def _named(request: Request, mine: Mapping[int, Slot]) -> list[tuple[str, Slot]]:
    """Return the slots of a pod in the order of its ports, each with its port as the label names it."""
    return [(port.written, mine[port.number]) for port in request.ports if port.number in mine]


def _number(slot: Slot) -> int:
    return slot.target_port if isinstance(slot.target_port, int) else 0
