"""Strategy `slots`: the chart creates a listener, a route and a Service per port; a task claims one by one write.

The Services are the table. Each write contains the version that was read, so the API server accepts only one of two
claims for a slot, from any thread, process or machine. There are no other locks and no other state. Any call can be
repeated after an error. Only one caller at a time should expose a task: two may claim a slot each, and `release` frees
both.
"""

import random
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from datetime import UTC, datetime

from task_gateway.errors import NotFound, TaskGatewayError
from task_gateway.kube.client import Kube
from task_gateway.kube.kinds import SERVICE
from task_gateway.kube.mirror import Mirror
from task_gateway.model import Address, Exposure, InternalTaskGateway, Repair, Task
from task_gateway.routing import endpoints, exhausted, names, table, templates
from task_gateway.routing.gateway_listeners import SLOT, Listener
from task_gateway.routing.live import NO_POD
from task_gateway.routing.parents import Parents
from task_gateway.routing.picks import Picks
from task_gateway.routing.ports import in_range, task_ports
from task_gateway.routing.serving import Serving
from task_gateway.routing.slot_writer import SlotWriter, closed, is_free, released
from task_gateway.routing.strategies.base import BeforeReuse, check_target_ports, check_task, declare
from task_gateway.routing.strategies.traits import Right, Traits
from task_gateway.routing.table import Slot
from task_gateway.routing.use import Use
from task_gateway.settings import DEFAULTS, Settings


def _recognises(listener: Listener, ours: bool) -> bool:
    return ours and listener.name == f"{SLOT}{listener.port}"


@declare
class Slots:
    """The slots of one gateway, whose Services and tasks live in `namespace`."""

    traits = Traits(
        name="slots",
        default=True,
        per_task=False,
        on_gateway=False,
        cluster_ip=False,
        rights=(
            Right("get", "", "configmaps", with_tasks=False),
            *(Right(verb, "", "services", with_tasks=True) for verb in ("get", "list", "patch")),
            Right("list", "discovery.k8s.io", "endpointslices", with_tasks=True),
        ),
        recognises=_recognises,
    )

    def __init__(self, kube: Kube, gateway: InternalTaskGateway, namespace: str, settings: Settings = DEFAULTS) -> None:
        self._kube = kube
        self._settings = settings
        self._gateway = gateway
        self._namespace = namespace
        self._checked = False
        selector = names.slots_selector(gateway.gateway_name, gateway.gateway_namespace)
        self._slots = Mirror(kube, SERVICE, namespace, table.parse, labels=selector, settings=settings)
        self._parents = Parents(kube, gateway, settings)
        self._serving = Serving(
            kube, gateway, self._parents.gateway_object, lambda: templates.load(kube, gateway).texts, settings
        )
        self._writer = SlotWriter(kube, namespace, self._slots, settings)
        self._picks = Picks()

    def expose(self, task: Task, *, before_reuse: BeforeReuse | None = None) -> tuple[Exposure, ...]:
        """Claim a slot for each port of a task; slots that it already holds are kept.

        NoFreeSlot if too few are free, WaitTimeout if each write conflicts; no new slot is claimed then.
        """
        check_task(task, self._gateway, self._namespace)
        if not self._checked:
            templates.load(self._kube, self._gateway)
            self._checked = True
        until = self._writer.deadline()
        held = {slot.target_port: slot for slot in self._still_held(task.id)}
        check_target_ports(
            task, held.keys(), ", ".join(f"Service {self._namespace}/{s.service}" for s in held.values())
        )
        for slot in held.values():
            self._writer.restore(slot, until)
        claimed: dict[int | str | None, Slot] = {}
        try:
            for port in task.ports:
                if port not in held:
                    claimed[port] = self._claim(
                        task, port, until, len(task.ports) - len(held) - len(claimed), before_reuse
                    )
        except BaseException:
            with suppress(TaskGatewayError):
                self._free(claimed.values(), task.id)
            raise
        return tuple(self._exposure({**held, **claimed}[port]) for port in task.ports)

    def release(self, task_id: str) -> list[Address]:
        """Free the slots of a task. A slot that another task holds now is left alone."""
        names.check_task_id(task_id)
        return [self._address(slot.port) for slot in self._free(self._held(task_id), task_id)]

    def exposed(self) -> list[Exposure]:
        """Return the claimed slots by port, also those outside the configured port range."""
        slots = sorted(self._slots.read(), key=lambda slot: slot.port)
        return [self._exposure(slot) for slot in slots if slot.task is not None]

    def ports(self) -> dict[int, Use]:
        """Return how each port of the range is used."""
        now, foreign = datetime.now(UTC), self._foreign()
        slots = {slot.port: slot for slot in self._slots.read()}
        kept = self._kept(foreign.union(slots))

        def use(port: int) -> Use:
            slot = slots.get(port)
            if slot is not None and slot.task is not None:
                return Use.TASK
            if port in foreign:
                return Use.FOREIGN
            if slot is None:
                return Use.RESERVED if port in kept else Use.ABSENT
            return Use.RESTING if table.resting(slot, now, self._settings.port_cooldown_seconds) else Use.FREE

        return {port: use(port) for port in in_range(self._gateway)}

    def reconcile(self, live: Callable[[], Collection[str]], before: datetime, *, dry_run: bool) -> list[Repair]:
        """Free the slots of tasks that are not live, and the later of two slots for one port of a task.

        Remove the endpoints of free slots, and restore the selector of claimed slots.
        """
        slots = self._slots.read()
        tasks, kept, repairs = live(), set[tuple[str | None, int | str | None]](), []
        claimed_slots = [slot for slot in slots if slot.task is not None]
        for slot in sorted(claimed_slots, key=lambda slot: (slot.claimed_at, slot.port)):
            claimed = table.parse_time(slot.claimed_at)
            if claimed is not None and claimed >= before:
                continue
            twice, key = (slot.task, slot.target_port) in kept, (slot.task, slot.target_port)
            kept.add(key)
            if not twice and (slot.task in tasks or (slot.by_operator and names.object_uid(slot.object) in tasks)):
                continue
            reason = f"target port {slot.target_port} has another slot" if twice else NO_POD
            done = not dry_run and bool(self._free([slot], str(slot.task)))
            where = f"Service {self._namespace}/{slot.service}"
            repairs.append(Repair("free", where, str(slot.task), slot.port, reason, done))
        freed = {repair.port for repair in repairs}
        return repairs + self._mend([slot for slot in slots if slot.port not in freed], dry_run=dry_run)

    def follow(self) -> None:
        """Keep slots and foreign listeners by watches from now on."""
        self._slots.follow()
        with suppress(NotFound):
            self._parents.follow()

    def close(self) -> None:
        """End the watches."""
        self._slots.close()
        self._parents.close()

    def _claim(self, task: Task, port: int, until: float, missing: int, before_reuse: BeforeReuse | None) -> Slot:
        while True:
            with self._picks.lend(lambda: self._candidates(missing)) as candidate:
                if candidate is not None and not self._writer.shut(candidate, until):
                    if before_reuse is not None and table.resting(
                        candidate, datetime.now(UTC), self._settings.port_cooldown_seconds
                    ):
                        before_reuse(self._address(candidate.port))
                    seen = self._writer.write(
                        candidate, until, is_free, lambda slot: table.claim(slot, task, port, datetime.now(UTC))
                    )
                    if seen is not None and seen.task == task.id:
                        return seen
            if candidate is None:
                time.sleep(random.uniform(0, self._settings.claim_pause_seconds))
            if time.monotonic() > until:
                raise self._settings.slot_written.timed_out("others claimed first each time", self._where)

    def _mend(self, slots: Collection[Slot], *, dry_run: bool) -> list[Repair]:
        """Correct the selector of slots that do not match their claim, and of free slots that have endpoints."""
        repairs, found = [], self._writer.endpoints(slots)
        for slot in slots:
            stray = endpoints.left(slot, found) if slot.unselected else ()
            if table.agrees(slot) and not stray:
                continue
            action, of = ("close", "a free slot") if slot.task is None else ("restore", "its claim")
            reason = (
                f"it is free but reaches {endpoints.words(stray)}" if stray else f"its selector is not that of {of}"
            )
            done = not dry_run and self._mended(slot)
            where = f"Service {self._namespace}/{slot.service}"
            repairs.append(Repair(action, where, slot.task or "", slot.port, reason, done))
        return repairs

    def _mended(self, slot: Slot) -> bool:
        seen = self._writer.write(
            slot,
            self._writer.deadline(),
            lambda each: each.task == slot.task and (each.unselected or not table.agrees(each)),
            closed,
        )
        return seen is not None and seen.task == slot.task and table.agrees(seen)

    def _free(self, slots: Collection[Slot], task_id: str) -> Sequence[Slot]:
        """Free slots of a task and return those that are free now. Another task may have claimed the others."""
        until = self._writer.deadline()
        seen = [
            self._writer.write(
                slot,
                until,
                lambda each: each.task == task_id,
                released,
            )
            for slot in slots
        ]
        return [slot for slot in seen if slot is not None and slot.task is None]

    def _held(self, task_id: str) -> Sequence[Slot]:
        """Return the slots of a task. If none is known, read again, because another process may have claimed them."""
        return self._slots.find(lambda slot: slot.task == task_id)

    def _still_held(self, task_id: str) -> Sequence[Slot]:
        """Return the slots of a task, each read again, because another process may have given it to another task."""
        known = [slot for slot in self._slots.read() if slot.task == task_id]
        return [slot for slot in map(self._writer.reread, known) if slot is not None and slot.task == task_id]

    def _foreign(self) -> set[int]:
        """Return the ports with a listener that is not a slot's. Their traffic is not for the task of a slot."""
        try:
            return {each.port for each in self._parents.listeners() if each.use != self.traits.name}
        except NotFound:  # no Gateway: then there are no listeners at all
            return set()

    def _kept(self, held: Collection[int]) -> Collection[int]:
        """Return the ports of the range that the controller reserves, given the ports that are held."""
        try:
            return task_ports(self._gateway, self._serving.read().controller, held).kept
        except NotFound:  # no Gateway: then nothing serves it
            return ()

    def _candidates(self, missing: int) -> Sequence[Slot]:
        foreign, slots = self._foreign(), self._slots.read()
        gateway = self._gateway
        if not slots:
            raise exhausted.no_slots(gateway, self._namespace, self._where)
        mine = table.in_port_range(slots, gateway.gateway_port_range_start, gateway.gateway_port_range_end)
        free = [slot for slot in table.pick(mine) if slot.port not in foreign]
        if len(free) < missing:
            raise exhausted.slots_taken(gateway, self._namespace, self._where, slots, mine, foreign, missing)
        return free

    def _exposure(self, slot: Slot) -> Exposure:
        return Exposure(
            task_id=str(slot.task),
            namespace=self._namespace,
            owner=slot.owner,
            kind=names.object_kind(slot.object),
            port=slot.port,
            target_port=slot.target_port or slot.port,
            strategy=self.traits.name,
            address=self._address(slot.port),
            since=table.parse_time(slot.claimed_at),
            object_name=names.object_name(slot.object),
            by_operator=slot.by_operator,
            service=slot.service,
        )

    @property
    def _where(self) -> str:
        return f"Services of Gateway {self._gateway.gateway_name} in namespace {self._namespace}"

    def _address(self, port: int) -> Address:
        return Address(self._gateway.gateway_ip, port)
