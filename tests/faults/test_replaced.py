"""Another client overwrites the Services of claimed slots: each task stays reachable, or its port is closed."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
import yaml
from tests.faults.lab import COUNT, NAMESPACE, PORTS, RELEASE, START, FaultLab
from tests.faults.serving import greeting_of
from tests.faults.test_clusters import inherit
from tests.faults.watching import until, watching

from task_gateway.checks import routing
from task_gateway.errors import CommandFailed
from task_gateway.inventory.snapshot import GatewaySnapshot
from task_gateway.inventory.target import GatewayTarget
from task_gateway.kube import helm
from task_gateway.kube.process import Word, run, tool
from task_gateway.model import Address, Manifest, ResourceManager
from task_gateway.routing import names
from task_gateway.routing.reach import wait_until_refused
from task_gateway.settings import TASK_REFUSED

POLICY = "admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy"
CLOSED_SECONDS = 30.0
FORCED_TRIES = 4
Write = Callable[[FaultLab], object]


def kubectl(lab: FaultLab, *words: Word, manifests: list[Manifest] | None = None) -> str:
    where: list[Word] = ["--kubeconfig", lab.cluster.kubeconfig, "--namespace", NAMESPACE]
    text = None if manifests is None else yaml.safe_dump_all(manifests)
    return run([tool("kubectl"), *where, *words], input=text).stdout


def services(lab: FaultLab, values: Mapping[str, Any] | None = None) -> list[Manifest]:
    """Render the slots' Services from the chart, as a user does."""
    where = ["--show-only", "templates/services.yaml"]
    text = helm.template(lab.chart, values or lab.values, release=RELEASE, namespace=NAMESPACE, arguments=where)
    return [each for each in yaml.safe_load_all(text) if each]


def healed(lab: FaultLab) -> None:
    """Apply and prune the slots as a GitOps tool with self-healing does."""
    words = ("--server-side", "--force-conflicts", "--field-manager=argocd-controller")
    kubectl(lab, "apply", *words, "--filename", "-", manifests=services(lab))
    pruned = ("--prune", "--prune-allowlist=core/v1/Service", "--selector", f"{names.SLOT_LABEL}")
    kubectl(lab, "apply", *pruned, "--filename", "-", manifests=services(lab))


def replaced(lab: FaultLab) -> None:
    kubectl(lab, "replace", "--filename", "-", manifests=services(lab))


def forced(lab: FaultLab) -> None:
    lab.upgrade(lab.values, "--server-side=false", "--force-replace")


def forced_on_the_server(lab: FaultLab) -> None:
    lab.upgrade(lab.values, "--server-side=true", "--force-conflicts")


@pytest.mark.parametrize("write", [healed, forced_on_the_server])
def test_the_slots_are_applied_again(lab: FaultLab, write: Write) -> None:
    """The slots are applied again, by `helm upgrade --force-conflicts` or like a GitOps tool: no claim is lost."""
    with watching(lab.greetings) as seen:
        write(lab)
        lab.everything_holds()
    assert (seen.failed, seen.strangers) == ([], [])


@pytest.mark.parametrize("write", [replaced, forced])
def test_the_slots_are_replaced(lab: FaultLab, write: Write) -> None:
    """The slots are replaced, by `kubectl replace` or a forced upgrade: the policy refuses it, and no claim is lost."""
    with watching(lab.greetings) as seen:
        with pytest.raises(CommandFailed, match=f"is a slot of Gateway {RELEASE}"):
            write(lab)
        lab.everything_holds()
    assert (seen.failed, seen.strangers) == ([], [])
    lab.upgrade(lab.values)
    lab.everything_holds()


@contextmanager
def without_policy(lab: FaultLab) -> Iterator[None]:
    """Remove the policy for the context, and wait until the API server applies the change."""
    off = helm.merged(lab.values, {"slotsPolicy": {"enabled": False}})
    lab.upgrade(off)
    until(partial(guarded, lab), CLOSED_SECONDS)
    try:
        yield
    finally:
        lab.upgrade(lab.values)
        until(lambda: "" if guarded(lab) else "the policy is not enforced", CLOSED_SECONDS)


def forced_without_policy(lab: FaultLab) -> None:
    """Force an upgrade; retry if a controller writes the status of a route between Helm's read and its write."""
    off = helm.merged(lab.values, {"slotsPolicy": {"enabled": False}})
    for tries_left in reversed(range(FORCED_TRIES)):
        try:
            lab.upgrade(off, "--server-side=false", "--force-replace")
            return
        except CommandFailed:
            if not tries_left:
                raise


def guarded(lab: FaultLab) -> str:
    """Return the policy's refusal of a replaced slot, empty if the dry run is accepted."""
    try:
        kubectl(lab, "replace", "--dry-run=server", "--filename", "-", manifests=services(lab))
    except CommandFailed as refused:
        return str(refused)
    return ""


@pytest.mark.parametrize("write", [replaced, forced])
def test_the_slots_are_replaced_without_the_policy(lab: FaultLab, write: Write) -> None:
    """The same without the policy: `check` names each lost claim, and `gc --apply` closes its port in time."""
    lab.start("lost")
    (address,) = lab.expose("lost")
    told = dict(lab.told["slots"])
    with without_policy(lab):
        try:
            if write is forced:
                forced_without_policy(lab)
            else:
                write(lab)
            assert lab.tasks().exposed() == []
            trouble = routing.selectors(snapshot_of(lab))
            assert trouble is not None
            assert "is free but reaches Pod " in trouble.message
            repairs = lab.tasks().reconcile(dry_run=False, grace_seconds=0)
            assert {each.port for each in repairs if each.action == "close" and each.done} == {
                each.port for each in told
            }
            for each in told:
                wait_until_refused(each, TASK_REFUSED)
            inherit(lab, "lost", "heir")
            assert closed(address)
            assert routing.selectors(snapshot_of(lab)) is None
        finally:
            lab.told.clear()
    for task, _ in told.values():
        if task != "lost":
            lab.expose(task)
    lab.everything_holds()


def closed(address: Address) -> bool:
    """Return whether a port sends no greeting, even if another pod has the address of its old pod."""
    try:
        return greeting_of(address) == ""
    except OSError:
        return True


def test_the_slots_are_deleted_and_made_again(lab: FaultLab) -> None:
    """`kubectl replace --force` deletes and recreates the slots: each port is closed until it is exposed again."""
    told = dict(lab.told["slots"])
    kubectl(lab, "replace", "--force", "--filename", "-", manifests=services(lab))
    lab.told.clear()
    for port in range(START, START + COUNT):
        wait_until_refused(Address(lab.gateway.gateway_ip, port), TASK_REFUSED)
    assert routing.selectors(snapshot_of(lab)) is None
    for task, _ in told.values():
        lab.expose(task, PORTS[:1])
    lab.everything_holds()


def snapshot_of(lab: FaultLab) -> GatewaySnapshot:
    manager = ResourceManager("east", "east", "kubernetes", NAMESPACE, internal_task_gateway=lab.gateway)
    return GatewaySnapshot(GatewayTarget(manager, lab.kube))
