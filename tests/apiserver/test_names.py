"""The commands on a gateway with two task namespaces: their scope, the names they accept, and their errors."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.apiserver.planes import apply_chart, gateway_api

from task_gateway.checks import gateway
from task_gateway.cli.main import main
from task_gateway.inventory.snapshot import GatewaySnapshot
from task_gateway.inventory.target import targets
from task_gateway.kube.client import Kube
from task_gateway.kube.kinds import JOB, POD, SERVICE
from task_gateway.model import TASK_LABEL, Manifest
from task_gateway.routing import names
from task_gateway.routing.gateway_api import GATEWAY

HOME, TASKS, OTHER, IP = "gateways", "tasks", "aaa", "192.0.2.7"
VALUES: dict[str, Any] = {
    "slots": [
        {"namespace": TASKS, "start": 20000, "count": 3},
        {"namespace": OTHER, "start": 21000, "count": 2},
    ],
    "rbac": {"subjects": [{"kind": "Group", "name": "ml-platform"}, {"kind": "ServiceAccount", "name": "master"}]},
}
PARTS = ("gateway", "configmap", "services", "role", "rolebinding")
Call = Callable[..., tuple[int, dict[str, Any], str]]


@pytest.fixture(scope="module")
def kube() -> Iterator[Kube]:
    with gateway_api("names", HOME, TASKS, OTHER) as kube:
        apply_chart(kube, "gw", HOME, VALUES, *PARTS)
        kube.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "master", "namespace": HOME}})
        yield kube


@pytest.fixture
def call(kube: Kube, capsys: pytest.CaptureFixture[str]) -> Iterator[Call]:
    """Run a command as a user does, and return its exit code, its JSON and its stderr."""
    write_gateway_status(kube, [{"type": "IPAddress", "value": IP}], Programmed="True")

    def run(*words: str, kubeconfig: Path = kube.cluster.kubeconfig) -> tuple[int, dict[str, Any], str]:
        code = main([*words, "--kubeconfig", str(kubeconfig), "-o", "json"])
        out, err = capsys.readouterr()
        return code, json.loads(out), err

    yield run
    for kind in (POD, JOB):
        for each in kube.list(kind):
            kube.delete(kind, each["metadata"]["name"], each["metadata"]["namespace"])
    for service in kube.list(SERVICE, labels=names.SLOT_LABEL):
        notes = dict.fromkeys(service["metadata"].get("annotations") or {})
        meta = service["metadata"]
        kube.patch(SERVICE, meta["name"], meta["namespace"], {"metadata": {"annotations": notes}})


def write_gateway_status(kube: Kube, addresses: list[Manifest], **conditions: str) -> None:
    """Write the Gateway's status, as a controller would."""
    found = [
        {"type": type, "status": status, "reason": "AddressNotAssigned", "message": "no address is assigned",
         "lastTransitionTime": "2026-01-01T00:00:00Z", "observedGeneration": 1}
        for type, status in ({"Accepted": "True"} | conditions).items()
    ]  # fmt: skip
    found_gateway = kube.get(GATEWAY, "gw", HOME)
    kube.replace(found_gateway | {"status": {"addresses": addresses, "conditions": found}}, subresource="status")


def pod(
    kube: Kube, name: str, namespace: str = TASKS, phase: str = "Running", spec: Manifest | None = None, **labels: str
) -> Manifest:
    meta = {"name": name, "namespace": namespace, "labels": labels}
    spec = {"containers": [{"name": "task", "image": "none"}], "terminationGracePeriodSeconds": 0, **(spec or {})}
    made = kube.create({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec})
    return kube.replace(made | {"status": {"phase": phase}}, subresource="status")


def job(kube: Kube, name: str, **spec: int) -> None:
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "task", "image": "none"}]}}
    labelled = template | {"metadata": {"labels": {TASK_LABEL: name}}}
    meta = {"name": name, "namespace": TASKS}
    kube.create({"apiVersion": "batch/v1", "kind": "Job", "metadata": meta, "spec": {"template": labelled, **spec}})


def exposed(call: Call) -> list[tuple[str, str]]:
    return [(each["namespace"], each["task_id"]) for each in call("ls")[1]["tasks"]]


def test_all_task_namespaces_are_covered(kube: Kube, call: Call) -> None:
    for name, namespace in (("nb1", TASKS), ("nb2", OTHER)):
        pod(kube, name, namespace)
        code, said, _ = call("expose", name, "--port", "8888")
        assert (code, said["namespace"], said["warnings"]) == (0, namespace, [])
    assert exposed(call) == [(TASKS, "nb1"), (OTHER, "nb2")]
    assert call("ls", "-n", OTHER)[1]["tasks"][0]["object_name"] == "nb2"
    _, capacity, _ = call("capacity")
    assert (capacity["namespaces"], capacity["capacity"], capacity["active"]) == ([TASKS, OTHER], 5, 2)
    use = capacity["ports"]
    assert (use["tasks"], use["free"], use["foreign"], use["total"]) == (2, 3, 0, 1002)
    _, report, _ = call("check", "--uninstall", "--only", "routing")
    said = {each["code"]: each["message"] for each in report["categories"][0]["checks"]}
    assert said["ITG0512"] == "namespace tasks: 1 live tasks: nb1; namespace aaa: 1 live tasks: nb2"
    kube.delete(POD, "nb2", OTHER)
    code, repaired, _ = call("gc", "--grace", "0", "--apply")
    assert (code, [(each["namespace"], each["task_id"]) for each in repaired["repairs"]]) == (0, [(OTHER, "nb2")])
    assert call("release", "nb1")[1] == {"task": "nb1", "namespace": TASKS, "released": True}


def test_a_pod_of_that_name_in_two_namespaces_needs_the_namespace(kube: Kube, call: Call) -> None:
    pod(kube, "twin", TASKS)
    pod(kube, "twin", OTHER)
    code, said, _ = call("expose", "twin", "--port", "8888")
    assert (code, said["error"]["type"], said["error"]["hint"]) == (2, "UsageError", "--namespace tasks | aaa")
    assert call("expose", "twin", "--port", "8888", "--namespace", OTHER)[1]["namespace"] == OTHER
    assert call("expose", "nowhere", "--port", "8888")[1]["error"]["message"] == (
        "there is no Pod nowhere in the namespaces tasks, aaa"
    )


def test_a_named_target_port_is_shown_as_it_is_and_hides_no_other_task(kube: Kube, call: Call) -> None:
    for name in ("nb1", "nb2"):
        pod(kube, name)
        assert call("expose", name, "--port", "8888")[0] == 0
    slot = kube.list(SERVICE, TASKS, f"{names.SLOT_LABEL}=20000")[0]
    port = {"port": 20000, "targetPort": "web"}
    kube.patch(SERVICE, slot["metadata"]["name"], TASKS, {"spec": {"ports": [port]}})
    try:
        code, listed, _ = call("ls")
        assert code == 0
        assert sorted((each["port"], each["target_port"]) for each in listed["tasks"]) == [
            (20000, "web"),
            (20001, 8888),
        ]
        for command in ("gc", "capacity"):
            assert "error" not in call(command)[1]
    finally:
        kube.patch(SERVICE, slot["metadata"]["name"], TASKS, {"spec": {"ports": [port | {"targetPort": 8888}]}})


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_a_pod_that_has_ended_is_refused_and_nothing_is_written(kube: Kube, call: Call, phase: str) -> None:
    before = pod(kube, "done", phase=phase)
    code, said, _ = call("expose", "done", "--port", "8888")
    assert (code, said["error"]["type"]) == (1, "TaskEnded")
    assert f"(phase {phase})" in said["error"]["message"]
    assert kube.get(POD, "done", TASKS)["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]
    assert exposed(call) == []


def test_a_pod_that_is_being_deleted_is_refused(kube: Kube, call: Call) -> None:
    pod(kube, "going")
    kube.patch(POD, "going", TASKS, {"metadata": {"finalizers": ["example.com/hold"]}})
    kube.delete(POD, "going", TASKS)
    try:
        assert "is being deleted" in call("expose", "going", "--port", "8888")[1]["error"]["message"]
    finally:
        kube.patch(POD, "going", TASKS, {"metadata": {"finalizers": None}})


def test_release_takes_what_expose_took_also_when_the_pod_is_gone(kube: Kube, call: Call) -> None:
    pod(kube, "sts-0")
    pod(kube, "nb3", spec=None, **{TASK_LABEL: "taskabc"})
    for name in ("pod/sts-0", "nb3"):
        assert call("expose", name, "--port", "8888")[0] == 0
    kube.delete(POD, "sts-0", TASKS)
    pod(kube, "sts-0")
    for name, task in (("pods/sts-0", "sts-0"), ("nb3", "taskabc")):
        assert call("release", name)[:2] == (0, {"task": task, "namespace": TASKS, "released": True})
        code, said, _ = call("release", name)
        assert (code, said["error"]["type"]) == (1, "NotExposed")
    assert exposed(call) == []


@pytest.mark.parametrize("command", [("expose", "pod/", "--port", "8888"), ("release", "pod/"), ("release", "")])
def test_a_name_that_is_none_is_a_usage_error(call: Call, command: tuple[str, ...]) -> None:
    code, said, _ = call(*command)
    assert (code, said["error"]["type"]) == (2, "UsageError")


def test_without_an_address_nothing_is_written_and_the_condition_is_told(kube: Kube, call: Call) -> None:
    before = pod(kube, "nb")
    write_gateway_status(kube, [], Programmed="False")
    code, said, _ = call("expose", "nb", "--port", "8888")
    assert (code, said["error"]["type"]) == (1, "NoAddress")
    assert "Programmed is False (AddressNotAssigned): no address is assigned" in said["error"]["message"]
    assert kube.get(POD, "nb", TASKS)["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]
    assert exposed(call) == []


def test_the_host_of_a_task_is_null_while_the_gateway_has_no_address(kube: Kube, call: Call) -> None:
    pod(kube, "nb")
    call("expose", "nb", "--port", "8888")
    write_gateway_status(kube, [], Programmed="False")
    assert call("ls")[1]["tasks"][0]["address"] == {"host": None, "port": 20000}


@pytest.mark.parametrize(("spec", "several"), [({"parallelism": 3}, True), ({}, False)])
def test_several_pods_behind_one_port_are_told(kube: Kube, call: Call, spec: dict[str, int], several: bool) -> None:
    job(kube, "sweep", **spec)
    code, said, err = call("expose", "job.batch/sweep", "--port", "8888")
    assert (code, [each["reason"] for each in said["warnings"]]) == (0, ["SeveralPods"] if several else [])
    assert ("warning: job.batch/sweep has 3 pods" in err) is several


def as_master(kube: Kube, folder: Path) -> Path:
    """Return a kubeconfig with only the permissions of the chart's Role."""
    content = yaml.safe_load(kube.cluster.kubeconfig.read_text())
    content["users"][0]["user"] = {"token": kube.token("master", HOME)}
    file = folder / "kubeconfig"
    file.write_text(yaml.safe_dump(content))
    keys = {"gateway_name": "gw", "gateway_namespace": HOME, "gateway_ip": IP,
            "gateway_port_range_start": 20000, "gateway_port_range_end": 21001}  # fmt: skip
    manager = {"type": "kubernetes", "cluster_name": "east", "internal_task_gateway": keys}
    (folder / "master.yaml").write_text(yaml.safe_dump({"resource_manager": manager}))
    return file


def test_the_charts_own_role_is_enough_to_free_ports_in_all_namespaces(kube: Kube, call: Call, tmp_path: Path) -> None:
    for name, namespace in (("nb1", TASKS), ("nb2", OTHER)):
        pod(kube, name, namespace)
        call("expose", name, "--port", "8888")
        kube.delete(POD, name, namespace)
    words = ("--config", str(tmp_path / "master.yaml"))
    master = as_master(kube, tmp_path)
    code, said, err = call("gc", "--grace", "0", "--apply", *words, kubeconfig=master)
    assert [each["namespace"] for each in said["repairs"] if each["done"]] == [TASKS, OTHER]
    assert (code, said["skipped"], err) == (0, [], "")
    assert call("ls", *words, kubeconfig=master)[1] == {"tasks": []}


def test_what_the_role_does_not_grant_is_skipped_and_the_rest_is_freed(kube: Kube, call: Call, tmp_path: Path) -> None:
    pod(kube, "nb1")
    call("expose", "nb1", "--port", "8888")
    kube.delete(POD, "nb1", TASKS)
    pod(kube, "nb2")
    assert call("expose", "nb2", "--port", "8888", "--strategy", "listeners")[0] == 0
    try:
        words = ("--config", str(tmp_path / "master.yaml"))
        code, said, err = call("gc", "--grace", "0", "--apply", *words, kubeconfig=as_master(kube, tmp_path))
        assert (code, [each["task_id"] for each in said["repairs"]]) == (1, ["nb1"])
        assert [(each["namespace"], each["strategy"]) for each in said["skipped"]] == [(TASKS, "listeners")]
        assert "warning: skipped namespace tasks, strategy listeners" in err
    finally:
        call("release", "nb2")


def test_a_namespace_without_rights_is_skipped_with_a_warning(kube: Kube, call: Call, tmp_path: Path) -> None:
    pod(kube, "nb1")
    call("expose", "nb1", "--port", "8888")
    words = ("--config", str(tmp_path / "master.yaml"))
    master = as_master(kube, tmp_path)
    binding = "rbac.authorization.k8s.io/v1/RoleBinding"
    name = f"{names.resource_manager('gw')}-slots"
    bound = kube.get(binding, name, OTHER)
    kube.delete(binding, name, OTHER)
    try:
        code, said, err = call("ls", *words, kubeconfig=master)
        assert (code, [each["task_id"] for each in said["tasks"]]) == (0, ["nb1"])
        assert "warning: skipped namespace aaa, strategy slots" in err
        assert call("release", "nb1", *words, kubeconfig=master)[0] == 0
    finally:
        kube.create(
            {key: bound[key] for key in ("apiVersion", "kind", "roleRef", "subjects")}
            | {"metadata": {"name": name, "namespace": OTHER}}
        )


def test_rights_are_those_of_the_users_groups_and_the_command_keeps_who_has_them(call: Call) -> None:
    def rights(*words: str) -> Manifest:
        _, report, _ = call("check", "--only", "security", *words)
        rows: list[Manifest] = report["categories"][0]["checks"]
        return next(each for each in rows if each["code"] == "ITG0701")

    assert rights("--as", "ada", "--as-group", "ml-platform")["result"] == "ok"
    lacking = rights("--as", "ada")
    assert lacking["result"] == "error"
    given = json.loads(lacking["fix"].partition("rbac.subjects=")[2].removesuffix("'"))
    assert given == [
        {"kind": "Group", "name": "ml-platform"},
        {"kind": "ServiceAccount", "name": "master", "namespace": HOME},
        {"kind": "User", "name": "ada"},
    ]


@pytest.mark.parametrize("merged", [False, True])
def test_the_proxy_is_found_also_where_gateways_share_it(kube: Kube, merged: bool) -> None:

    own = {
        "gateway.envoyproxy.io/owning-gateway-name": "gw",
        "gateway.envoyproxy.io/owning-gateway-namespace": HOME,
    }
    labels = {"gateway.envoyproxy.io/owning-gatewayclass": "gw.gateways"} if merged else own
    meta = {"name": "envoy", "namespace": HOME, "labels": labels}
    spec = {"ports": [{"port": 20000}], "externalIPs": [IP]}
    kube.create({"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": spec})
    write_gateway_status(kube, [{"type": "IPAddress", "value": IP}], Programmed="True")
    try:
        (target,) = targets(None, kube.cluster.kubeconfig)
        snapshot = GatewaySnapshot(target)
        assert [each["metadata"]["name"] for each in snapshot.proxy.services] == ["envoy"]
        assert gateway.rivals(snapshot) is None
        kube.patch(SERVICE, "envoy", HOME, {"metadata": {"labels": dict.fromkeys(labels)}})
        found = gateway.rivals(GatewaySnapshot(target))
        assert found is not None
        assert "also uses port 20000" in found.message
    finally:
        kube.delete(SERVICE, "envoy", HOME)


@pytest.mark.parametrize(
    ("spec", "labels", "name", "known_as"),
    [
        ({"hostNetwork": True}, {}, "on-the-host", "on-the-host"),
        ({}, {}, "n" * 100, None),
        ({}, {TASK_LABEL: "UPPER_case-1"}, "upper", "UPPER_case-1"),
    ],
)
def test_odd_pods_are_exposed(
    kube: Kube, call: Call, spec: Manifest, labels: dict[str, str], name: str, known_as: str | None
) -> None:
    made = pod(kube, name, spec=spec, **labels)
    code, said, _ = call("expose", f"pod/{name}", "--port", "8888")
    assert (code, said.get("error")) == (0, None)
    assert exposed(call) == [(TASKS, known_as or made["metadata"]["uid"])]


@pytest.mark.parametrize("label", ["with.dot", ""])
def test_a_label_that_is_no_task_id_is_refused(kube: Kube, call: Call, label: str) -> None:
    pod(kube, "labelled", spec=None, **{TASK_LABEL: label})
    code, _, _ = call("expose", "pod/labelled", "--port", "8888")
    assert code == 2
    assert exposed(call) == []


@pytest.mark.parametrize("ports", [("0",), ("-1",), ("70000",), ("8888", "8888"), ("http",)])
def test_ports_that_are_none_are_refused(kube: Kube, call: Call, ports: tuple[str, ...]) -> None:
    pod(kube, "ported")
    words = [word for port in ports for word in ("--port", port)]
    code, _, _ = call("expose", "pod/ported", *words)
    assert code == 2
    assert exposed(call) == []
