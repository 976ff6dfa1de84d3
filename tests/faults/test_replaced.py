"""Somebody writes over the slots' Services with live tasks on them: each task is reached, or its port is closed."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
import yaml
from tests.faults.serving import said_by
from tests.faults.stand import COUNT, NAMESPACE, PORTS, RELEASE, START, Stand
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
Write = Callable[[Stand], object]


def kubectl(stand: Stand, *words: Word, manifests: list[Manifest] | None = None) -> str:
    where: list[Word] = ["--kubeconfig", stand.cluster.kubeconfig, "--namespace", NAMESPACE]
    text = None if manifests is None else yaml.safe_dump_all(manifests)
    return run([tool("kubectl"), *where, *words], input=text).stdout


def services(stand: Stand, values: Mapping[str, Any] | None = None) -> list[Manifest]:
    """Return the slots' Services as a user renders them from the chart."""
    where = ["--show-only", "templates/services.yaml"]
    text = helm.template(stand.chart, values or stand.values, release=RELEASE, namespace=NAMESPACE, arguments=where)
    return [each for each in yaml.safe_load_all(text) if each]


def healed(stand: Stand) -> None:
    """As a GitOps tool heals itself: everything is applied again, and what is not in the source is pruned."""
    words = ("--server-side", "--force-conflicts", "--field-manager=argocd-controller")
    kubectl(stand, "apply", *words, "--filename", "-", manifests=services(stand))
    pruned = ("--prune", "--prune-allowlist=core/v1/Service", "--selector", f"{names.SLOT_LABEL}")
    kubectl(stand, "apply", *pruned, "--filename", "-", manifests=services(stand))


def replaced(stand: Stand) -> None:
    kubectl(stand, "replace", "--filename", "-", manifests=services(stand))


def forced(stand: Stand) -> None:
    stand.upgrade(stand.values, "--server-side=false", "--force-replace")


def forced_on_the_server(stand: Stand) -> None:
    stand.upgrade(stand.values, "--server-side=true", "--force-conflicts")


@pytest.mark.parametrize("write", [healed, forced_on_the_server])
def test_the_slots_are_applied_again(stand: Stand, write: Write) -> None:
    """The slots are applied again, by `helm upgrade --force-conflicts` or like a GitOps tool: no claim is lost."""
    with watching(stand.greetings) as seen:
        write(stand)
        stand.everything_holds()
    assert (seen.failed, seen.strangers) == ([], [])


@pytest.mark.parametrize("write", [replaced, forced])
def test_the_slots_are_replaced(stand: Stand, write: Write) -> None:
    """The slots are replaced, by `kubectl replace` or a forced upgrade: the policy refuses it, and no claim is lost."""
    with watching(stand.greetings) as seen:
        with pytest.raises(CommandFailed, match=f"is a slot of Gateway {RELEASE}"):
            write(stand)
        stand.everything_holds()
    assert (seen.failed, seen.strangers) == ([], [])
    stand.upgrade(stand.values)
    stand.everything_holds()


@contextmanager
def without_policy(stand: Stand) -> Iterator[None]:
    """Take the policy away, until the API server has taken it up."""
    off = helm.merged(stand.values, {"slotsPolicy": {"enabled": False}})
    stand.upgrade(off)
    until(partial(guarded, stand), CLOSED_SECONDS)
    try:
        yield
    finally:
        stand.upgrade(stand.values)
        until(lambda: "" if guarded(stand) else "the policy is not enforced", CLOSED_SECONDS)


def forced_without_policy(stand: Stand) -> None:
    """Force an upgrade, again where a controller writes the status of a route between Helm's read and its write."""
    off = helm.merged(stand.values, {"slotsPolicy": {"enabled": False}})
    for tries_left in reversed(range(FORCED_TRIES)):
        try:
            stand.upgrade(off, "--server-side=false", "--force-replace")
            return
        except CommandFailed:
            if not tries_left:
                raise


def guarded(stand: Stand) -> str:
    """Say that the policy refuses a replaced slot, empty if a dry run is let through."""
    try:
        kubectl(stand, "replace", "--dry-run=server", "--filename", "-", manifests=services(stand))
    except CommandFailed as refused:
        return str(refused)
    return ""


@pytest.mark.parametrize("write", [replaced, forced])
def test_the_slots_are_replaced_without_the_policy(stand: Stand, write: Write) -> None:
    """The same without the policy: `check` names each lost claim, and `gc --apply` closes its port in time."""
    stand.start("lost")
    (address,) = stand.expose("lost")
    told = dict(stand.told["slots"])
    with without_policy(stand):
        try:
            if write is forced:
                forced_without_policy(stand)
            else:
                write(stand)
            assert stand.tasks().exposed() == []
            trouble = routing.selectors(snapshot_of(stand))
            assert trouble is not None
            assert "is free but reaches Pod " in trouble.message
            repairs = stand.tasks().reconcile(dry_run=False, grace_seconds=0)
            assert {each.port for each in repairs if each.action == "close" and each.done} == {
                each.port for each in told
            }
            for each in told:
                wait_until_refused(each, TASK_REFUSED)
            inherit(stand, "lost", "heir")
            assert closed(address)
            assert routing.selectors(snapshot_of(stand)) is None
        finally:
            stand.told.clear()
    for task, _ in told.values():
        if task != "lost":
            stand.expose(task)
    stand.everything_holds()


def closed(address: Address) -> bool:
    """Tell whether a port gives no greeting, whoever has its old pod's address."""
    try:
        return said_by(address) == ""
    except OSError:
        return True


def test_the_slots_are_deleted_and_made_again(stand: Stand) -> None:
    """`kubectl replace --force` deletes and recreates the slots: each port is closed until it is exposed again."""
    told = dict(stand.told["slots"])
    kubectl(stand, "replace", "--force", "--filename", "-", manifests=services(stand))
    stand.told.clear()
    for port in range(START, START + COUNT):
        wait_until_refused(Address(stand.gateway.gateway_ip, port), TASK_REFUSED)
    assert routing.selectors(snapshot_of(stand)) is None
    for task, _ in told.values():
        stand.expose(task, PORTS[:1])
    stand.everything_holds()


def snapshot_of(stand: Stand) -> GatewaySnapshot:
    manager = ResourceManager("east", "east", "kubernetes", NAMESPACE, internal_task_gateway=stand.gateway)
    return GatewaySnapshot(GatewayTarget(manager, stand.kube))
