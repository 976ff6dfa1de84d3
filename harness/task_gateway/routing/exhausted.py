"""Builds the errors of a full gateway: how many ports each owner holds, and which limit to raise."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from task_gateway.errors import NoFreeSlot, UsageError
from task_gateway.model import InternalTaskGateway
from task_gateway.printable import printable
from task_gateway.routing import names
from task_gateway.routing.ports import in_range
from task_gateway.routing.table import Slot
from task_gateway.routing.templates import upgrade_slots

OWNERS_SHOWN = 3
FEW = 64
"""Slots to start with: as many as the chart has by default."""
REPEAT = "repeat the items of other namespaces, because Helm replaces the whole list"


def no_slots(gateway: InternalTaskGateway, namespace: str, where: str) -> UsageError:
    """Return the error of a gateway without slots of the chart in this namespace."""
    return UsageError(
        f"the chart {names.CHART} has no slots for Gateway {gateway.gateway_name} in namespace {namespace}",
        where=where,
        hint=f"{upgrade_slots(gateway, namespace, (gateway.gateway_port_range_start, FEW))}; {REPEAT}",
    )


def slots_taken(
    gateway: InternalTaskGateway,
    namespace: str,
    where: str,
    slots: Sequence[Slot],
    mine: Sequence[Slot],
    foreign: Collection[int],
    missing: int,
) -> NoFreeSlot:
    """Return the error if too few slots are free; `mine` are those in the port range."""
    taken = [slot for slot in mine if slot.task is not None]
    tasks = len({slot.task for slot in taken})
    held = f"{len(taken)} held by {_count(tasks, 'task')}{_owners(taken)}"
    blocked = sum(slot.task is None and slot.port in foreign for slot in mine)
    others = f", {blocked} under listeners of others" if blocked else ""
    free = len(mine) - len(taken) - blocked
    lacking = f"{free} free, {missing} wanted" if free else "none is free"
    first, last = gateway.gateway_port_range_start, gateway.gateway_port_range_end
    *groups, (start, count) = _groups(slot.port for slot in slots)
    change = upgrade_slots(gateway, namespace, *groups, (start, 2 * count))
    return NoFreeSlot(
        f"no free slot: {_count(len(slots), 'slot')}, {len(mine)} of them in the port range {first}-{last}, "
        f"{held}{others}: {lacking}",
        where=where,
        hint="release a task, or raise the count of the chart's slots and gateway_port_range_end of the "
        f"master configuration: {change}; {REPEAT}",
    )


def ports_taken(
    gateway: InternalTaskGateway, where: str, held: Mapping[str, Collection[int]], wanted: int
) -> NoFreeSlot:
    """Return the error if too few ports of the range are free; `held` maps each reason, in words, to its ports."""
    ports = in_range(gateway)
    count = {words: {port for port in ports if port in found} for words, found in held.items()}
    free = len(set(ports).difference(*count.values()))
    parts = [f"{len(found)} {words}" for words, found in count.items() if found]
    lacking = f"; {free} free, {wanted} wanted" if free else ""
    return NoFreeSlot(
        f"no free port: {len(ports)} in the range {ports[0]}-{ports[-1]}, {', '.join(parts)}{lacking}",
        where=where,
        hint="release a task, or raise gateway_port_range_end of the master configuration; "
        "task-gateway limits shows what binds",
    )


def _groups(ports: Iterable[int]) -> list[tuple[int, int]]:
    """Return the runs of consecutive ports, each as its first port and its length."""
    found: list[tuple[int, int]] = []
    for port in sorted(ports):
        start, count = found[-1] if found else (port, 0)
        if port == start + count and found:
            found[-1] = (start, count + 1)
        else:
            found.append((port, 1))
    return found


def _owners(taken: Sequence[Slot]) -> str:
    """Return the owners of the most ports as text, empty if no slot has an owner."""
    most = Counter(slot.owner for slot in taken if slot.owner).most_common(OWNERS_SHOWN)
    return f" (most by {', '.join(f'{printable(owner)}: {count}' for owner, count in most)})" if most else ""


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
