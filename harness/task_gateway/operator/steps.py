"""The planner: returns the operator's next step for a pod, from the known state of the pod and the slots. Pure.

It plans one step at a time, and plans again after each step. A crash between two steps, or a write by another client,
therefore needs no extra code.
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
    """Claim a slot for one port of a pod: a free one, or one that is kept for the pod's Job."""

    pod: Pod
    port: RequestedPort
    slot: Slot


@dataclass(frozen=True, slots=True)
class ReleaseSlot:
    """Free a slot of a pod that has ended, or that does not request the slot (any more).

    A pod that has not ended is first read from the API server. It must not have changed or, if `pod` is None, it must
    not exist or have no label.
    """

    slot: Slot
    pod: Pod | None


@dataclass(frozen=True, slots=True)
class RestoreSlot:
    """Restore the selector of a claimed slot."""

    slot: Slot


@dataclass(frozen=True, slots=True)
class PublishResult:
    """Write the result to a pod. `slots` are those whose address is added or removed; they must not have changed."""

    pod: Pod
    result: ExposeResult
    slots: tuple[Slot, ...] = ()


@dataclass(frozen=True, slots=True)
class ClearResult:
    """Remove the operator's fields from a pod that lost the label, after the API server confirms that."""

    pod: Pod


Step = ClaimSlot | ReleaseSlot | RestoreSlot | PublishResult | ClearResult


@dataclass(frozen=True)
class View:
    """The known state of one task: its pod, the pod's request, and its slots.

    `held` are the slots that the operator claimed for it. `host` is the gateway's address, empty if it has none yet.
    `offers` are the slots that each missing port may claim now, None if other pods are before it or too few are free;
    `lack` is the message about that. If `kept`, the pod has ended, and its Job, which has not, keeps its slots. `left`
    is a pod that lost the label, or is gone, and has fields that the operator wrote. `shown` are the slots of the ports
    that the pod showed last, by its own port in the form of its label. Other tasks may have them now, and another
    client may have removed the addresses from the pod.
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
    """Return the next step for a task; None if there is nothing to do, or until something changes."""
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
    """Return the slot of each requested port of a pod: the one that it showed last, else the one claimed first."""
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
    """Return what the pod should show; None if that is not known yet."""
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
    """Return the slots of a pod in the order of its ports, each with its port in the form of the label."""
    return [(port.written, mine[port.number]) for port in request.ports if port.number in mine]


def _number(slot: Slot) -> int:
    return slot.target_port if isinstance(slot.target_port, int) else 0
