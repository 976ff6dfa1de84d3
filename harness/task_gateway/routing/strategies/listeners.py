"""Strategy `listeners`: creates a listener on the Gateway, a route and a Service for each port, as Determined does.

The Service is created first and deleted last. Its name contains the port, so only one task of a namespace gets the
port, and its label shows a repeated call which ports were begun. Then comes the listener, whose port is unique in the
Gateway, and last the route. A failed call removes its objects. After a crash, the same call completes them.

Objects are deleted by uid, so a late release never deletes those of the next task at the port. Only one caller at a
time should expose a task, and the strategy that exposed it should release it.
"""

import random
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from time import monotonic, sleep

from task_gateway.errors import AlreadyExists, ApiError, Conflict, NoFreeSlot, NotFound, TaskGatewayError, UsageError
from task_gateway.kube.client import Kube
from task_gateway.kube.kinds import SERVICE
from task_gateway.kube.mirror import Mirror
from task_gateway.model import TASK_LABEL, Address, Exposure, InternalTaskGateway, Manifest, Repair, Task
from task_gateway.routing import claims, exhausted, leftovers, names, refusals, templates
from task_gateway.routing.claims import Claim
from task_gateway.routing.gateway_api import route_kind
from task_gateway.routing.gateway_listeners import DETERMINED, TASK, Listener, ports_of
from task_gateway.routing.leftovers import Orphan
from task_gateway.routing.own_listeners import OwnListeners
from task_gateway.routing.parents import Parents
from task_gateway.routing.picks import Picks
from task_gateway.routing.ports import TaskPorts, in_range, task_ports
from task_gateway.routing.serving import Serving
from task_gateway.routing.strategies.base import BeforeReuse, check_target_ports, check_task, declare
from task_gateway.routing.strategies.traits import GATEWAY_API, Right, Traits
from task_gateway.routing.templates import Templates
from task_gateway.routing.use import Use
from task_gateway.settings import DEFAULTS, Settings


@dataclass(frozen=True)
class ListenerPort:
    """A free port; `resting` if this process released it during the cooldown."""

    port: int
    resting: bool


def _recognises(listener: Listener, ours: bool) -> bool:
    return listener.kind == "Gateway" and (bool(listener.allocation) or listener.name.startswith((TASK, DETERMINED)))


@declare
class Listeners:
    """The listeners of one gateway, whose tasks run in `namespace`."""

    traits = Traits(
        name="listeners",
        per_task=True,
        on_gateway=True,
        cluster_ip=True,
        like_determined=True,
        rights=(
            Right("get", "", "configmaps", with_tasks=False),
            Right("update", GATEWAY_API, "gateways", with_tasks=False),
            Right("list", GATEWAY_API, "listenersets", with_tasks=False),
            *(Right(verb, "", "services", True) for verb in ("get", "list", "create", "patch", "delete")),
            *(Right(verb, GATEWAY_API, "tcproutes", True) for verb in ("create", "patch", "delete")),
        ),
        recognises=_recognises,
    )

    def __init__(self, kube: Kube, gateway: InternalTaskGateway, namespace: str, settings: Settings = DEFAULTS) -> None:
        self._kube = kube
        self._settings = settings
        self._gateway = gateway
        self._namespace = namespace
        self._loaded: Templates | None = None
        self._where = f"Gateway {gateway.full_name}"
        self._selector = (
            f"{names.gateway_selector(gateway.gateway_name, gateway.gateway_namespace)},"
            f"{names.STRATEGY_LABEL}={self.traits.name}"
        )
        labels = f"{self._selector},{TASK_LABEL}"
        self._claims = Mirror(kube, SERVICE, namespace, claims.parse, labels=labels, settings=settings)
        self._parents = Parents(kube, gateway, settings)
        self._serving = Serving(kube, gateway, self._parents.gateway_object, lambda: self._templates().texts, settings)
        self._listeners = OwnListeners(kube, gateway, self._parents, self._is_mine, settings)
        self._picks = Picks()
        self._released: dict[int, float] = {}

    def expose(self, task: Task, *, before_reuse: BeforeReuse | None = None) -> tuple[Exposure, ...]:
        """Create the three objects for each port of a task; existing ones are kept.

        NoFreeSlot, with no object left behind, if the range is exhausted or the API server accepts no further object.
        """
        check_task(task, self._gateway, self._namespace)
        try:
            return self._expose(task, before_reuse)
        except NoFreeSlot:
            self._serving.forget()
            raise
        except ApiError as refused:
            reason = refusals.capacity_error(refused)
            if reason is None:
                raise
            raise reason from refused

    def release(self, task_id: str) -> list[Address]:
        """Remove the objects of a task. From the first write on, its Services select no pod."""
        names.check_task_id(task_id)
        removed = [claim for claim in self._held(task_id) if self._remove(claim)]
        return [self._address(claim.port) for claim in removed]

    def exposed(self) -> list[Exposure]:
        """Return the exposed ports in their order."""
        found = sorted(self._claims.read(), key=lambda claim: claim.port)
        return [self._exposure(each) for each in found]

    def ports(self) -> dict[int, Use]:
        """Return how each port of the range is used."""
        others = self._others()
        determined = ports_of(each for each in others if each.is_determined and each.use == self.traits.name)
        tasks, foreign = {claim.port for claim in self._claims.read()} | determined, ports_of(others)
        able = self._task_ports(tasks | foreign)

        def use(port: int) -> Use:
            if port in tasks:
                return Use.TASK
            if port in foreign:
                return Use.FOREIGN
            if port in able.kept:
                return Use.RESERVED
            if port in able.missing:
                return Use.ABSENT
            return Use.RESTING if self._is_resting(port) else Use.FREE

        return {port: use(port) for port in in_range(self._gateway)}

    def reconcile(self, live: Callable[[], Collection[str]], before: datetime, *, dry_run: bool) -> list[Repair]:
        """Remove the objects of tasks that are not live, and create missing objects of live tasks."""
        found = leftovers.read(self._kube, self._route_kind(), self._namespace, self._selector, self._own_listeners)
        tasks, repairs = live(), []
        for claim in found.claims:
            reason = found.defect(claim, tasks)
            if reason is None or claim.made >= before:
                continue
            gone = claim.released or claim.task not in tasks
            mend = self._remove if gone else self._complete
            done = not dry_run and mend(claim)
            where = f"Service {self._namespace}/{claim.service}"
            repairs.append(Repair("remove" if gone else "complete", where, claim.task, claim.port, reason, done))
        for orphan in found.orphans(before):
            done = not dry_run and self._remove_orphan(orphan)
            repairs.append(Repair("remove", orphan.where, orphan.task, orphan.port, "it has no Service", done))
        return repairs

    def follow(self) -> None:
        """Keep Services and listeners by watches from now on."""
        self._claims.follow()
        self._parents.follow()

    def close(self) -> None:
        """End the watches."""
        self._claims.close()
        self._parents.close()

    def _open(self, parent: Manifest) -> bool:
        """Add the listener of `parent`, from the template, or keep it; False if another listener has its port."""
        (listener,) = parent["spec"]["listeners"]
        return self._listeners.add(listener)

    def _close(self, port: int, name: str, task_id: str | None) -> None:
        """Remove the listener of a task at a port (None: one without a task), unless another task has the port now."""

        def is_taken() -> bool:
            holder = self._claim_of(name)
            return holder is not None and holder.task != task_id

        self._listeners.remove(port, is_taken)

    def _is_mine(self, listener: Listener) -> bool:
        """Return whether this strategy created a listener for this namespace. It only accepts routes from there."""
        mine = listener.use == self.traits.name and listener.task_namespace == self._namespace
        return mine and listener.name == f"{TASK}{listener.port}"

    def _expose(self, task: Task, before_reuse: BeforeReuse | None) -> tuple[Exposure, ...]:
        held: dict[int | str, Claim] = {claim.target_port: claim for claim in self._held(task.id)}
        where = ", ".join(f"Service {self._namespace}/{claim.service}" for claim in held.values())
        check_target_ports(task, held.keys(), where)
        if any(claim.released for claim in held.values()):
            raise UsageError(
                f"the release of task {task.id} has begun",
                where=where,
                hint=f"finish it, then expose the task again: task-gateway release {task.id}",
            )
        self._serving.read()  # before ports are picked, which other threads wait for
        made: list[Claim] = []
        try:
            for target in task.ports:
                if target not in held or not self._completed(held[target], task):
                    held[target] = self._make(task, target, len(task.ports) - len(held), before_reuse)
                    made.append(held[target])
        except BaseException:
            for claim in made:
                self._undo(task, claim.port)
            raise
        return tuple(self._exposure(held[target]) for target in task.ports)

    def _make(self, task: Task, target: int, wanted: int, before_reuse: BeforeReuse | None) -> Claim:
        """Create the objects for one port of a task, at the first port that no other task takes first."""
        lost: set[int] = set()
        while True:
            with self._picks.lend(lambda: self._free(lost, wanted)) as port:
                if port is not None:
                    if port.resting and before_reuse is not None:
                        before_reuse(self._address(port.port))
                    claim = self._take(port.port, task, target)
                    if claim is not None:
                        return claim
                    lost.add(port.port)
            if port is None:  # other threads try all remaining ports
                sleep(random.uniform(0, self._settings.claim_pause_seconds))

    def _free(self, lost: Collection[int], wanted: int) -> Sequence[ListenerPort]:
        """Return the free ports in the order to try: those after the newest claim's first, resting ones last."""
        found = self._claims.read()
        claimed, others = {claim.port for claim in found}, ports_of(self._others())
        able = self._task_ports(claimed | others)
        held: Mapping[str, Collection[int]] = {
            f"held by tasks of namespace {self._namespace}": claimed,
            "held by other listeners": others - claimed,
            "kept by the controller": able.kept,
            "not in the proxy's Service": able.missing,
            "taken meanwhile": lost,
        }
        free = [port for port in able.usable if port not in lost]
        if len(free) < max(wanted, 1):
            raise exhausted.ports_taken(self._gateway, self._where, held, wanted)
        newest = max(found, key=lambda claim: (claim.made, claim.port), default=None)
        first = able.ports[0] if newest is None else newest.port + 1
        order = sorted(free, key=lambda port: (self._released.get(port, 0.0), (port - first) % len(able.ports)))
        return [ListenerPort(port, self._is_resting(port)) for port in order]

    def _take(self, port: int, task: Task, target: int) -> Claim | None:
        """Create the objects of a task at a port; None, with no object left behind, if another task has the port."""
        parent, route, service = self._objects(port, task, target)
        try:
            try:
                claim = self._claims.keep(self._kube.create(service))
            except AlreadyExists:
                return None
            opened = self._open(parent)
            if opened:
                self._kube.apply(route)
        except BaseException:
            self._undo(task, port)
            raise
        if not opened:
            self._undo(task, port)
            return None
        return claim

    def _completed(self, claim: Claim, task: Task) -> bool:
        """Create the missing objects of a claim; False if another took the port before the claim had its listener."""
        parent, route, _ = self._objects(claim.port, task, claim.target_port)
        if not self._open(parent):
            self._remove(claim)
            return False
        self._kube.apply(route)
        return True

    def _complete(self, claim: Claim) -> bool:
        return self._completed(claim, claims.task(claim, self._namespace))

    def _remove_orphan(self, orphan: Orphan) -> bool:
        """Remove a route or a listener without a Service, unless the Service exists now."""
        if orphan.is_route:
            return self._claim_of(orphan.name) is None and self._delete(self._route_kind(), orphan.name, orphan.task)
        self._close(orphan.port or 0, orphan.name, orphan.task or None)
        return True

    def _own_listeners(self) -> Sequence[Listener]:
        return [each for each in self._parents.listeners() if self._is_mine(each)]

    def _undo(self, task: Task, port: int) -> None:
        """Remove the objects of a failed call. Errors here are ignored, because the call raises the first error."""
        with suppress(TaskGatewayError):
            for claim in self._held(task.id):
                if claim.port == port:
                    self._remove(claim)

    def _remove(self, claim: Claim) -> bool:
        """Remove a claim and its other objects; False if it is gone or belongs to another task now."""
        last = self._cut_off(claim)
        if last is None:
            return False
        self._delete(self._route_kind(), claim.service, claim.task)
        self._close(claim.port, claim.service, claim.task)
        with suppress(Conflict):
            self._kube.delete(SERVICE, claim.service, self._namespace, uid=claim.uid)
        self._claims.drop(self._namespace, last.service, last.version)
        self._released[claim.port] = monotonic()
        return True

    def _cut_off(self, claim: Claim) -> Claim | None:
        """Make a task's Service select no pod and return the new claim; None if it is gone or another task's now.

        The Service is deleted last, so a repeated release finds it.
        """
        selector = {TASK_LABEL: names.released(claim.port)}
        seen: Claim | None = claim
        while seen is not None and (seen.uid, seen.task) == (claim.uid, claim.task):
            patch = {"metadata": {"resourceVersion": seen.version}, "spec": {"selector": selector}}
            try:
                return self._claims.keep(self._kube.patch(SERVICE, seen.service, self._namespace, patch))
            except NotFound:
                return None
            except Conflict:
                seen = self._claim_of(claim.service)
        return None

    def _claim_of(self, service: str) -> Claim | None:
        found = self._kube.find(SERVICE, service, self._namespace)
        return None if found is None else claims.parse(found)

    def _delete(self, kind: str, name: str, task_id: str) -> bool:
        """Delete an object of a task; False if it is gone or belongs to another task."""
        try:
            meta = self._kube.get(kind, name, self._namespace)["metadata"]
            if (meta.get("labels") or {}).get(TASK_LABEL) != task_id:
                return False
            self._kube.delete(kind, name, self._namespace, uid=meta["uid"], missing_ok=False)
        except (NotFound, Conflict):
            return False
        return True

    def _objects(self, port: int, task: Task, target: int | str) -> tuple[Manifest, Manifest, Manifest]:
        values: dict[str, int | str] = {
            "PORT": port,
            "TARGET_PORT": target,
            "TASK": task.id,
            "OWNER": task.owner,
            "OBJECT": names.object_note(task.object) or "",
            "NAMESPACE": self._namespace,
        }
        parent, route, service = self._templates().objects(self.traits.name, values)
        route["apiVersion"] = self._route_kind().rpartition("/")[0]
        return parent, claims.owned_by(route, task.object), claims.owned_by(service, task.object)

    def _templates(self) -> Templates:
        if self._loaded is None:
            self._loaded = templates.load(self._kube, self._gateway)
        return self._loaded

    def _task_ports(self, held: Collection[int]) -> TaskPorts:
        """Return the ports of the range that the controller can serve, given the ports that are held."""
        served = self._serving.read()
        return task_ports(self._gateway, served.controller, held, served.service_ports)

    def _route_kind(self) -> str:
        """Return the newest served version of TCPRoute."""
        kind = route_kind(self._kube)
        if kind is None:
            raise NotFound("the cluster serves no version of TCPRoute", hint="install the CRDs of Gateway API")
        return kind

    def _others(self) -> Sequence[Listener]:
        """Return the listeners that no task of this namespace can have.

        A listener of this strategy whose Service is gone is not among them, because the next task uses it.
        """
        return [each for each in self._parents.listeners() if not self._is_mine(each)]

    def _held(self, task_id: str) -> Sequence[Claim]:
        """Read the claims of a task from the API server, because another process may have just changed them."""
        services = self._kube.list(SERVICE, self._namespace, f"{self._selector},{TASK_LABEL}={task_id}")
        return [claim for claim in map(self._claims.keep, services) if claim is not None]

    def _is_resting(self, port: int) -> bool:
        return monotonic() - self._released.get(port, float("-inf")) < self._settings.port_cooldown_seconds

    def _exposure(self, claim: Claim) -> Exposure:
        return claims.exposure(claim, self._namespace, self.traits.name, self._gateway.gateway_ip)

    def _address(self, port: int) -> Address:
        return Address(self._gateway.gateway_ip, port)
