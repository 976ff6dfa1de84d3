"""The expected work of an operator for two pods in several situations, and whether it is complete."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.apiserver.operators import HOME, IP, SPEC, START, TASKS, OperatorSite, addresses

from task_gateway.kube.kinds import JOB, SERVICE
from task_gateway.model import TASK_LABEL, InternalTaskGateway
from task_gateway.routing import names, table
from task_gateway.routing.gateway import TaskGateway

SLOTS = 8
BOTH, CHANGED, NONE = ("8888", "6006"), ("8888", "9000"), ()
Addresses = dict[str, dict[str, str]]
"""The address of each port of a pod, by the name of the pod."""


@dataclass(frozen=True)
class Situation:
    """Pods with two exposed ports, an event, and the ports of each pod afterwards.

    A port that a pod had before is the same afterwards. `heirs` names the pod whose ports another one takes over.
    """

    before: tuple[str, ...]
    happens: Callable[[OperatorSite], object]
    after: Mapping[str, tuple[str, ...]]
    heirs: Mapping[str, str] = field(default_factory=dict)
    job: bool = False

    def prepare(self, site: OperatorSite) -> Addresses:
        """Create the initial state of the pods, and return their addresses."""
        site.clean()
        if self.job:
            meta, template = {"name": "job", "namespace": TASKS}, {"spec": SPEC | {"restartPolicy": "Never"}}
            site.kube.create(
                {"apiVersion": "batch/v1", "kind": "Job", "metadata": meta, "spec": {"template": template}}
            )
        if not self.before:
            return {}
        with site.operator():
            for name in self.before:
                made(site, name, job=self.job)
                site.wait(name, "Exposed")
        return {name: shown(site, name) for name in self.before}

    def settled(self, site: OperatorSite, before: Addresses) -> bool:
        """Return whether each pod has the expected result, and nothing is left over."""
        gateway = InternalTaskGateway("gw", HOME, IP, START, START + SLOTS - 1)
        held = {
            (each.task_id, str(each.target_port)): str(each.address)
            for each in TaskGateway(site.kube, gateway, TASKS).exposed()
        }
        pods = {name: site.get(name)["metadata"] for name in self.after}
        wanted = {(pods[name]["uid"], port) for name, ports in self.after.items() for port in ports}
        if set(held) != wanted or len(site.claims()) != len(wanted):
            return False
        for name, ports in self.after.items():
            uid, kept = pods[name]["uid"], before.get(self.heirs.get(name, name), {})
            mine = {port: held[uid, port] for port in ports}
            exposed = ("True", "Exposed") if ports else None
            label = (pods[name].get("labels") or {}).get(TASK_LABEL)
            if (shown(site, name), site.exposed_condition(name), label) != (mine, exposed, uid if ports else None):
                return False
            if any(mine[port] != address for port, address in kept.items() if port in mine):
                return False
        services = site.kube.list(SERVICE, TASKS, names.SLOT_LABEL)
        return all(table.agrees(slot) for each in services if (slot := table.parse(each)) is not None)


def made(site: OperatorSite, name: str, *, job: bool = False) -> None:
    more: dict[str, Any] = {"job": site.kube.get(JOB, "job", TASKS)} if job else {}
    site.pod(name, ".".join(BOTH), **more)


def shown(site: OperatorSite, name: str) -> dict[str, str]:
    notes = site.notes(name)
    return addresses(notes) if len(notes) == 2 else {}


def for_each(act: Callable[[OperatorSite, str], object]) -> Callable[[OperatorSite], object]:
    return lambda site: [act(site, name) for name in "ab"]


def lost(site: OperatorSite) -> None:
    """A user removes the result from one pod, and changes the selectors of the other one's slots."""
    site.change("a", annotations={names.ADDRESS: None, names.ADDRESSES: None}, labels={TASK_LABEL: None})
    uid = site.get("b")["metadata"]["uid"]
    for port in (port for port, task in site.claims().items() if task == uid):
        site.kube.patch(SERVICE, f"gw-slot-{port}", TASKS, {"spec": {"selector": {TASK_LABEL: "other"}}})


def next_pod(site: OperatorSite) -> None:
    site.status("a", {"phase": "Failed"})
    made(site, "next", job=True)


SITUATIONS = {
    "pods start": Situation((), for_each(made), dict.fromkeys("ab", BOTH)),
    "labels change": Situation(
        ("a", "b"),
        for_each(lambda site, name: site.change(name, labels={names.EXPOSE: ".".join(CHANGED)})),
        dict.fromkeys("ab", CHANGED),
    ),
    "pods end": Situation(
        ("a", "b"), for_each(lambda site, name: site.status(name, {"phase": "Succeeded"})), dict.fromkeys("ab", NONE)
    ),
    "labels are removed": Situation(
        ("a", "b"),
        for_each(lambda site, name: site.change(name, labels={names.EXPOSE: None})),
        dict.fromkeys("ab", NONE),
    ),
    "what was written is lost": Situation(("a", "b"), lost, dict.fromkeys("ab", BOTH)),
    "a Job starts its next pod": Situation(("a",), next_pod, {"a": NONE, "next": BOTH}, heirs={"next": "a"}, job=True),
}
