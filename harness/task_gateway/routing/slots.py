"""Strategy `slots`: the chart made a listener, a route and a Service per port; a task takes one by one write.

The Services are the table. A write carries the version that was read, so that of two who want one slot the
API server lets one win, whichever thread, process or machine they run in; nothing else is locked or kept.
Any call may be repeated after an error. One task is meant to be exposed by one caller at a time: two at once
may take a slot each, and `release` frees both.
"""

import random
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from task_gateway import settings
from task_gateway.errors import Conflict, NoFreeSlot, NotFound, UsageError, WaitTimeout
from task_gateway.kube.client import Kube
from task_gateway.model import Address, InternalTaskGateway, Manifest, Task
from task_gateway.routing import names, table, templates
from task_gateway.routing.base import STRATEGIES, Exposure, check_target_port, check_task
from task_gateway.routing.table import Slot
from task_gateway.routing.templates import upgrade


@STRATEGIES.register("slots")
class Slots:
    """The slots of one gateway, whose Services and tasks live in `namespace`."""

    def __init__(self, kube: Kube, gateway: InternalTaskGateway, namespace: str) -> None:
        self._kube = kube
        self._gateway = gateway
        self._namespace = namespace
        self._checked = False

    def expose(self, task: Task) -> Address:
        """Claim a slot for a task and return its address; a slot it holds already with that port is kept.

        NoFreeSlot when all are taken, WaitTimeout when others always wrote first.
        """
        check_task(task, self._gateway, self._namespace)
        if not self._checked:
            templates.load(self._kube, self._gateway)
            self._checked = True
        deadline = _deadline()
        while True:
            slots = self._read()
            held = next((slot for slot in slots if slot.task == task.id), None)
            if held is not None:
                return self._kept(held, task)
            for candidate in self._candidates(slots):
                seen = self._write(
                    candidate, deadline, _is_free, lambda slot: table.claim(slot, task, datetime.now(UTC))
                )
                if seen is not None and seen.task == task.id:
                    return self._address(seen)
            time.sleep(random.uniform(0, settings.CLAIM_PAUSE_SECONDS))

    def release(self, task_id: str) -> None:
        """Free what a task holds. A slot that another task holds by now is left alone."""
        names.check_task_id(task_id)
        deadline = _deadline()
        for slot in self._read():
            self._write(
                slot,
                deadline,
                lambda seen: seen.task == task_id,
                lambda seen: table.release(seen, datetime.now(UTC)),
            )

    def list(self) -> list[Exposure]:
        """Return the claimed slots by port, also those outside the configured port range."""
        return [
            Exposure(
                task_id=slot.task,
                owner=slot.owner,
                port=slot.port,
                address=self._address(slot),
                claimed_at=table.moment(slot.claimed_at),
            )
            for slot in sorted(self._read(), key=lambda slot: slot.port)
            if slot.task is not None
        ]

    def _write(
        self,
        slot: Slot | None,
        deadline: float,
        wanted: Callable[[Slot], bool],
        body: Callable[[Slot], Manifest],
    ) -> Slot | None:
        """Write to a slot for as long as it is `wanted`, and return it as seen last; None if it is gone.

        A conflict says only that somebody wrote, perhaps this very call whose answer was lost: read it again.
        """
        while slot is not None and wanted(slot):
            if time.monotonic() > deadline:
                raise _timed_out(slot, self._namespace)
            try:
                patch = body(slot)
                service = self._kube.patch("v1/Service", slot.service, self._namespace, patch, strategic=True)
                return table.parse(service)
            except Conflict:
                slot = self._reread(slot)
            except NotFound:
                return None
        return slot

    def _read(self) -> Sequence[Slot]:
        selector = names.slots_selector(self._gateway.gateway_name, self._gateway.gateway_namespace)
        services = self._kube.list("v1/Service", self._namespace, selector)
        return [slot for slot in map(table.parse, services) if slot is not None]

    def _reread(self, slot: Slot) -> Slot | None:
        try:
            return table.parse(self._kube.get("v1/Service", slot.service, self._namespace))
        except NotFound:
            return None

    def _candidates(self, slots: Sequence[Slot]) -> Sequence[Slot]:
        gateway = self._gateway
        where = f"Services of Gateway {gateway.gateway_name} in namespace {self._namespace}"
        if not slots:
            raise UsageError(
                f"the chart {names.CHART} has made no slots for Gateway {gateway.gateway_name} "
                f"in namespace {self._namespace}",
                where=where,
                hint=upgrade(gateway, f"--set slots.count=64 --set slots.namespace={self._namespace}"),
            )
        first, last = gateway.gateway_port_range_start, gateway.gateway_port_range_end
        mine = table.inside(slots, first, last)
        free = table.pick(mine)
        if not free:
            tasks = len({slot.task for slot in mine})
            raise NoFreeSlot(
                f"no free slot: {len(slots)} slots, {len(mine)} of them in the port range {first}-{last}, "
                f"held by {tasks} {'task' if tasks == 1 else 'tasks'}",
                where=where,
                hint="release a task, or raise slots.count of the chart and gateway_port_range_end of the "
                f"master configuration: {upgrade(gateway, f'--set slots.count={2 * len(slots)}')}",
            )
        return free

    def _kept(self, slot: Slot, task: Task) -> Address:
        check_target_port(task, slot.target_port, slot.service)
        return self._address(slot)

    def _address(self, slot: Slot) -> Address:
        return Address(self._gateway.gateway_ip, slot.port)


def _is_free(slot: Slot) -> bool:
    return slot.task is None


def _deadline() -> float:
    return time.monotonic() + settings.SLOT_WRITTEN.seconds


def _timed_out(slot: Slot, namespace: str) -> WaitTimeout:
    wait = settings.SLOT_WRITTEN
    holder = "free" if slot.task is None else f"held by {slot.task}"
    state = f"port {slot.port} is {holder} at version {slot.resource_version}, others wrote first each time"
    return wait.timed_out(state, f"Service {namespace}/{slot.service}")
