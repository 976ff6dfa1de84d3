"""A client replaces a slot's Service: the chart's policy refuses it; without the policy the port is closed.

No controller runs here, so endpoints stay as the tests write them. Kubernetes also keeps those of a Service without a
selector.
"""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.apiserver import planes
from tests.apiserver.test_slots import CHART, START, SlotSite, claims, empty

from task_gateway.checks import routing
from task_gateway.errors import CommandFailed, Forbidden, NoFreeSlot
from task_gateway.inventory.snapshot import GatewaySnapshot
from task_gateway.inventory.target import GatewayTarget
from task_gateway.kube.kinds import ENDPOINT_SLICE, POD, SERVICE
from task_gateway.kube.process import Word, run, tool
from task_gateway.model import TASK_LABEL, Address, Manifest, ResourceManager
from task_gateway.routing import names
from task_gateway.routing.gateway import TaskGateway

__all__ = ["empty"]
ENFORCED_SECONDS = 30.0
SERVER_SIDE, CLIENT_SIDE = "--server-side=true", "--server-side=false"
KUBERNETES = "endpointslice-controller.k8s.io"


def manifests(site: SlotSite, count: int = 2) -> list[Manifest]:
    """Return the slots' Services and their related objects, as rendered by the chart."""
    values = {"slots": [{"start": START, "count": count}]}
    return planes.rendered("gw", site.namespace, values, "services", "configmap", "slots-policy")


@pytest.fixture
def bare(empty: SlotSite) -> SlotSite:
    """Two slots without the policy; the task of a pod has the first."""
    for each in manifests(empty):
        if not each["kind"].startswith("ValidatingAdmissionPolicy"):
            empty.kube.apply(each, field_manager="helm")
    claimed(empty)
    return empty


@pytest.fixture
def guarded(empty: SlotSite) -> SlotSite:
    """The same with the policy, when the API server enforces it."""
    for each in manifests(empty):
        empty.kube.apply(each, field_manager="helm")
    claimed(empty)
    enforced(empty)
    return empty


def claimed(site: SlotSite) -> None:
    meta = {"name": "a1", "namespace": site.namespace, "labels": {TASK_LABEL: "a"}}
    spec = {"containers": [{"name": "c", "image": "i"}]}
    site.kube.create({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec})
    assert [each.address for each in site.slots.expose(site.task("a"))] == [Address(site.gateway.gateway_ip, START)]
    leads_to(site, START, "a1", "10.244.0.7")


def enforced(site: SlotSite) -> None:
    """Return when the API server enforces the policy, a moment after its creation."""
    deadline = time.monotonic() + ENFORCED_SECONDS
    while True:
        try:
            found = site.service(START)
            spec = {key: value for key, value in found["spec"].items() if key != "selector"}
            site.kube.replace(found | {"spec": spec}, dry_run=True)
        except Forbidden:
            return
        assert time.monotonic() < deadline, "the policy is not enforced"
        time.sleep(0.1)


def leads_to(site: SlotSite, port: int, pod: str, address: str, managed_by: str = KUBERNETES) -> None:
    """Write an EndpointSlice for the Service of a slot, like Kubernetes."""
    service = site.service(port)["metadata"]
    name, uid = service["name"], service["uid"]
    labels = {"kubernetes.io/service-name": name, "endpointslice.kubernetes.io/managed-by": managed_by}
    target = {"kind": "Pod", "name": pod, "namespace": site.namespace}
    site.kube.create(
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {
                "name": f"{name}-{pod}",
                "namespace": site.namespace,
                "labels": service["labels"] | labels,
                "ownerReferences": [{"apiVersion": "v1", "kind": "Service", "name": name, "uid": uid}],
            },
            "addressType": "IPv4",
            "endpoints": [{"addresses": [address], "targetRef": target}],
            "ports": [{"port": 8888}],
        }
    )


def file_of(site: SlotSite, folder: Path) -> Path:
    """Write the first slot's Service, as rendered by the chart, to a file."""
    (found,) = [each for each in manifests(site) if each["metadata"]["name"] == f"gw-slot-{START}"]
    file = folder / "service.yaml"
    file.write_text(yaml.safe_dump(found))
    return file


def kubectl(site: SlotSite, *words: Word) -> str:
    return run(
        [tool("kubectl"), "--kubeconfig", site.kube.cluster.kubeconfig, "--namespace", site.namespace, *words]
    ).stdout


def replace(site: SlotSite, folder: Path) -> None:
    kubectl(site, "replace", "--filename", file_of(site, folder))


def orphan(site: SlotSite, folder: Path) -> None:
    kubectl(site, "delete", "service", f"gw-slot-{START}", "--cascade=orphan", "--wait=false")


def to_external_name(site: SlotSite, folder: Path) -> None:
    spec = {"type": "ExternalName", "externalName": "example.com", "clusterIP": None}
    kubectl(site, "patch", "service", f"gw-slot-{START}", "--type=merge", "--patch", json.dumps({"spec": spec}))


def selector_and_labels_removed(site: SlotSite, folder: Path) -> None:
    patch = {"metadata": {"labels": None}, "spec": {"selector": None}}
    kubectl(site, "patch", "service", f"gw-slot-{START}", "--type=merge", "--patch", json.dumps(patch))


def apply(site: SlotSite, folder: Path) -> None:
    kubectl(site, "apply", "--filename", file_of(site, folder))


def apply_on_the_server(site: SlotSite, folder: Path) -> None:
    words = ("--server-side", "--force-conflicts", "--field-manager=argocd-controller")
    kubectl(site, "apply", "--filename", file_of(site, folder), *words)


def apply_and_prune(site: SlotSite, folder: Path) -> None:
    """Apply the whole release and prune other objects, like a GitOps tool with self-healing."""
    file = folder / "all.yaml"
    file.write_text(yaml.safe_dump_all(manifests(site)))
    for _ in range(2):
        kubectl(site, "apply", "--filename", file, "--prune", "--selector", "task-gateway.dev/gateway=gw")


Writer = Callable[[SlotSite, Path], None]


@pytest.mark.parametrize("writer", [replace, orphan, to_external_name, selector_and_labels_removed])
def test_the_policy_refuses_what_would_leave_endpoints_behind(
    guarded: SlotSite, tmp_path: Path, writer: Writer
) -> None:
    before = claims(guarded.service(START))
    with pytest.raises(CommandFailed, match=f"Service {guarded.namespace}/gw-slot-{START} is a slot of Gateway gw"):
        writer(guarded, tmp_path)
    assert claims(guarded.service(START)) == before


@pytest.mark.parametrize("writer", [apply, apply_on_the_server, apply_and_prune])
def test_the_policy_lets_pass_what_keeps_claims(guarded: SlotSite, tmp_path: Path, writer: Writer) -> None:
    before = claims(guarded.service(START))
    writer(guarded, tmp_path)
    assert claims(guarded.service(START)) == before
    guarded.slots.release("a")
    guarded.slots.expose(guarded.task("b"))
    writer(guarded, tmp_path)
    assert [each.task_id for each in guarded.slots.exposed()] == ["b"]


def test_a_slot_that_is_deleted_and_made_again_is_free(guarded: SlotSite, tmp_path: Path) -> None:
    kubectl(guarded, "replace", "--force", "--wait=false", "--filename", file_of(guarded, tmp_path))
    assert claims(guarded.service(START)) == {"selector": None, "targetPort": START, "notes": {}}


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        ((SERVER_SIDE,), True),
        ((SERVER_SIDE, "--force-conflicts"), True),
        ((CLIENT_SIDE,), True),
        ((CLIENT_SIDE, "--force-replace"), False),
    ],
)
def test_an_upgrade_of_any_kind_keeps_claims_or_is_refused(empty: SlotSite, words: tuple[str, ...], kept: bool) -> None:
    given = f"slots[0].start={START},slots[0].count=2,controller.install=false"
    given += ",gatewayClass.create=false,gatewayClass.name=none"
    where: list[Word] = ["--namespace", empty.namespace, "--kubeconfig", empty.kube.cluster.kubeconfig]
    upgrade: list[Word] = [tool("helm"), "upgrade", "--install", "gw", CHART, *where, "--set", given]
    run([*upgrade, words[0]])
    claimed(empty)
    enforced(empty)
    before = claims(empty.service(START))
    if kept:
        run([*upgrade, *words, "--set", "commonLabels.team=b"])
    else:
        with pytest.raises(CommandFailed, match="is a slot of Gateway gw"):
            run([*upgrade, *words])
    assert claims(empty.service(START)) == before
    run([*upgrade, words[0]])
    assert claims(empty.service(START)) == before


def test_the_policy_can_be_left_out(empty: SlotSite) -> None:
    values = {"slots": [{"start": START, "count": 2}], "slotsPolicy": {"enabled": False}}
    with pytest.raises(CommandFailed, match="could not find template"):
        planes.rendered("gw", empty.namespace, values, "slots-policy")


def lost(site: SlotSite, folder: Path) -> None:
    replace(site, folder)
    assert claims(site.service(START))["selector"] is None
    assert site.slots.exposed() == []


def snapshot_of(site: SlotSite) -> GatewaySnapshot:
    manager = ResourceManager("east", "east", "kubernetes", site.namespace, internal_task_gateway=site.gateway)
    return GatewaySnapshot(GatewayTarget(manager, site.kube))


def gc(site: SlotSite, *, apply: bool = False) -> list[dict[str, Any]]:
    """Return the repairs of the strategy, as in `task-gateway gc`."""
    tasks = TaskGateway(site.kube, site.gateway, site.namespace)
    return [vars(each) for each in tasks.reconcile(dry_run=not apply, grace_seconds=0)]


def test_a_lost_claim_is_named_and_one_command_closes_its_port(bare: SlotSite, tmp_path: Path) -> None:
    lost(bare, tmp_path)
    trouble = routing.selectors(snapshot_of(bare))
    assert trouble is not None
    assert not trouble.warning
    assert trouble.message == f"port {START} is free but reaches Pod a1 (10.244.0.7), the claim of task a is gone"

    where = f"Service {bare.namespace}/gw-slot-{START}"
    repair = {"action": "close", "object": where, "task_id": "", "port": START, "namespace": bare.namespace}
    reason = {"reason": "it is free but reaches Pod a1 (10.244.0.7)"}
    assert gc(bare) == [repair | reason | {"done": False}]
    assert gc(bare, apply=True) == [repair | reason | {"done": True}]
    # Kubernetes empties the EndpointSlices of a Service from here on, which no controller does in this test.
    assert bare.service(START)["spec"]["selector"] == {TASK_LABEL: names.released(START)}
    assert gc(bare) == []
    assert routing.selectors(snapshot_of(bare)) is None


def test_no_task_is_given_a_port_that_still_leads_to_another(bare: SlotSite, tmp_path: Path) -> None:
    lost(bare, tmp_path)
    assert bare.slots.expose(bare.task("b"))[0].port == START + 1
    assert bare.service(START)["spec"]["selector"] == {TASK_LABEL: names.released(START)}
    assert bare.slots.expose(bare.task("c"))[0].port == START
    with pytest.raises(NoFreeSlot):
        bare.slots.expose(bare.task("d"))


def test_endpoints_that_a_deleted_service_left_are_seen(bare: SlotSite, tmp_path: Path) -> None:
    orphan(bare, tmp_path)
    kubectl(bare, "patch", "service", f"gw-slot-{START}", "--type=merge", "--patch", '{"metadata":{"finalizers":null}}')
    apply(bare, tmp_path)
    assert gc(bare)[0]["action"] == "close"


@pytest.mark.parametrize(
    "change",
    [
        {"selector": None},
        {"selector": {"app": "x"}},
        {"selector": {TASK_LABEL: "b"}},
        {"type": "ExternalName", "externalName": "example.com", "clusterIP": None},
    ],
)
def test_a_claim_whose_selector_was_changed_is_restored(bare: SlotSite, change: Manifest) -> None:
    name = f"gw-slot-{START}"
    bare.kube.patch(SERVICE, name, bare.namespace, {"spec": change})
    assert routing.selectors(snapshot_of(bare)) is not None
    assert [each["action"] for each in gc(bare, apply=True)] == ["restore"]
    spec = bare.service(START)["spec"]
    assert (spec["selector"], spec["type"]) == ({TASK_LABEL: "a"}, "ClusterIP")
    bare.kube.patch(SERVICE, name, bare.namespace, {"spec": change})
    assert bare.slots.expose(bare.task("a"))[0].port == START
    assert bare.service(START)["spec"]["selector"] == {TASK_LABEL: "a"}


def test_a_slice_that_kubernetes_does_not_keep_is_to_be_deleted(bare: SlotSite) -> None:
    leads_to(bare, START + 1, "stranger", "10.244.0.9", managed_by="somebody")
    bare.slots.expose(bare.task("b"))
    bare.slots.release("b")
    trouble = routing.selectors(snapshot_of(bare))
    assert trouble is not None
    assert trouble.message == f"port {START + 1} is free but reaches Pod stranger (10.244.0.9)"
    run(
        [
            "sh",
            "-c",
            f"{tool('kubectl')} --kubeconfig {bare.kube.cluster.kubeconfig} {trouble.fix.removeprefix('kubectl ')}",
        ]
    )
    assert routing.selectors(snapshot_of(bare)) is None
    assert bare.kube.list(POD, bare.namespace)
    assert [each["metadata"]["name"] for each in bare.kube.list(ENDPOINT_SLICE, bare.namespace)] == [
        f"gw-slot-{START}-a1"
    ]
