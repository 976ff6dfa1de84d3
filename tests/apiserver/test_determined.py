"""A Determined master's writes, replayed: the check names each harm before it happens.

With the profile of the chart and the CRDs of the other chart's profile, the check finds no harm and none happens.
"""

import copy
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.apiserver import broken, determined
from tests.apiserver.broken import RELEASE
from tests.apiserver.determined import DeterminedMaster, Overtaken
from tests.apiserver.determined_harms import (
    COUNT,
    MANY,
    PROFILE,
    START,
    TABLE,
    changed,
    many_tasks,
    ports,
    spec,
    strangers_route,
    sweep,
    until_policy,
)  # fmt: skip
from tests.apiserver.determined_seen import KEPT, held, leave_behind, named, ran
from tests.apiserver.planes import BUNDLE, CHART, rendered
from tests.preflight import NAMESPACE, Break, Preflight, assert_exactly, checks_of, troubled

from task_gateway.checks import gateway as gateway_checks
from task_gateway.checks.determined import erased
from task_gateway.crds import bundles, schema
from task_gateway.errors import Conflict, Forbidden
from task_gateway.kube import helm
from task_gateway.kube.client import Kube
from task_gateway.kube.kinds import JOB
from task_gateway.model import Cluster, InternalTaskGateway, Manifest
from task_gateway.routing import determined_left
from task_gateway.routing.reach import Answer
from task_gateway_lab.clusters import base

OBJECTS = ("gateway", "gatewayclass", "configmap", "role", "routepolicy")
ACCOUNTS = "system:serviceaccount"


@pytest.fixture(scope="module")
def plane() -> Iterator[Kube]:
    """Both charts with their profiles, and the objects and statuses that a controller would write."""
    with base.temporary_cluster(
        "control-plane", base.ClusterRequest(f"test-determined-{os.getpid()}"), say=print
    ) as cluster:
        kube = Kube(cluster)
        (crds,) = (CHART.parents[1] / "dist").glob("gateway-api-crds-*.tgz")
        values = yaml.safe_load((CHART.parent / "gateway-api-crds" / "determined.yaml").read_text())
        helm.install(cluster, "crds", crds, "crds", values)
        for policy in bundles.fetch(BUNDLE, "experimental").policies:
            kube.apply(policy)
        kube.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
        for obj in rendered(RELEASE, NAMESPACE, PROFILE, *OBJECTS):
            kube.apply(obj, field_manager="helm")
        broken.all_runs(kube, START)
        yield kube


@pytest.fixture
def preflight(plane: Kube, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Preflight]:
    """The installed profile; afterwards all objects of tasks are removed."""
    monkeypatch.setattr(gateway_checks, "probe", lambda _: Answer.CLOSED)  # no proxy runs
    gateway = InternalTaskGateway(RELEASE, NAMESPACE, "127.0.0.1", START, START + COUNT - 1)
    yield Preflight(plane, gateway, tmp_path, arguments=("--profile", "determined"))
    sweep(plane)


@pytest.fixture
def master(preflight: Preflight) -> DeterminedMaster:
    return DeterminedMaster(Kube(preflight.kube.cluster), preflight.gateway, NAMESPACE)


@pytest.mark.parametrize(("act", "code", "harm"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_each_harm_is_named_before_it_happens(
    preflight: Preflight,
    master: DeterminedMaster,
    act: Break,
    code: str,
    harm: Callable[[Preflight, DeterminedMaster], None],
) -> None:
    with act(preflight):
        assert_exactly(preflight, code)
        harm(preflight, master)


def test_a_verb_that_is_missing_is_named_and_fails_a_step(preflight: Preflight, tmp_path: Path) -> None:
    roles = rendered(RELEASE, NAMESPACE, PROFILE, "role")
    cases = {"nothing": roles}
    for place, role in enumerate(roles):
        for number, rule in enumerate(role["rules"]):
            for verb in rule["verbs"]:
                less = copy.deepcopy(roles)
                less[place]["rules"][number]["verbs"].remove(verb)
                cases[f"{verb} {rule['resources'][0]} in {NAMESPACE}"] = less
    assert len(cases) == 1 + 8
    twice = f"list services in {NAMESPACE}"  # its own ClusterRole also grants it
    assert twice in cases
    preflight.kube.apply(determined.own_role())
    for number, granted in enumerate(cases.values()):
        grant(preflight.kube, f"master-{number}", granted)
    for number, lacking in enumerate(cases):
        name = f"master-{number}"
        _, report = preflight.check("--as", f"{ACCOUNTS}:{NAMESPACE}:{name}")
        said = troubled(report)
        preflight.acting({"token": preflight.kube.token(name, NAMESPACE)}, name)
        acting = DeterminedMaster(Kube(Cluster(name, "existing", tmp_path / name)), preflight.gateway, NAMESPACE)
        preflight.kubeconfig = None
        if lacking in ("nothing", twice):
            assert said == {}
            live(acting)
        else:
            assert said == {"ITG0701": f"missing: {lacking}"}
            verb, resource, *_ = lacking.split()
            with pytest.raises(Forbidden, match=f'cannot {verb} resource "{resource}"'):
                live(acting)
        sweep(preflight.kube)


def grant(kube: Kube, name: str, roles: list[Manifest]) -> None:
    """Create a ServiceAccount with these Roles. Each test has its own one, so no change has to take effect first.

    It also has the ClusterRole of the guide.
    """
    group = "rbac.authorization.k8s.io"
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": NAMESPACE}}
    kube.create(account)
    for number, role in enumerate(roles):
        meta = {"name": f"{name}-{number}", "namespace": NAMESPACE}
        kube.create(role | {"metadata": meta})
        reference = {"apiGroup": group, "kind": "Role", "name": meta["name"]}
        subjects = [{"kind": "ServiceAccount", "name": name, "namespace": NAMESPACE}]
        binding = {"apiVersion": f"{group}/v1", "kind": "RoleBinding", "metadata": meta}
        kube.create(binding | {"roleRef": reference, "subjects": subjects})

    subject = {"kind": "ServiceAccount", "name": name, "namespace": NAMESPACE}
    reference = {"apiGroup": group, "kind": "ClusterRole", "name": determined.own_role()["metadata"]["name"]}
    binding = {"apiVersion": f"{group}/v1", "kind": "ClusterRoleBinding", "metadata": {"name": name}}
    kube.create(binding | {"roleRef": reference, "subjects": [subject]})


def test_with_the_charts_role_only_the_master_ends_at_its_start(preflight: Preflight, tmp_path: Path) -> None:
    name = "role-only"
    preflight.kube.apply(determined.own_role())
    grant(preflight.kube, name, rendered(RELEASE, NAMESPACE, PROFILE, "role"))
    preflight.kube.delete("rbac.authorization.k8s.io/v1/ClusterRoleBinding", name)
    _, report = preflight.check("--as", f"{ACCOUNTS}:{NAMESPACE}:{name}")
    (check,) = [each for each in checks_of(report) if each["code"] == "ITG0701"]
    assert check["result"] == "error"
    assert {f"list pods in {NAMESPACE}", "list jobs in all namespaces", "list nodes"} <= set(
        check["message"].removeprefix("missing: ").split(", ")
    )
    assert check["fix"] == (
        "kubectl create clusterrolebinding determined-master --clusterrole=determined-master "
        f"--serviceaccount={NAMESPACE}:{name}"
    )
    preflight.acting({"token": preflight.kube.token(name, NAMESPACE)}, name)
    with pytest.raises(Forbidden, match='cannot list resource "pods"'):
        DeterminedMaster(Kube(Cluster(name, "existing", tmp_path / name)), preflight.gateway, NAMESPACE).start()


def live(master: DeterminedMaster) -> None:
    """Perform all actions of a master, from its start to the end of its last task."""
    master.start()
    master.free("one", master.expose("one"))


def test_five_quick_tries_are_lost_against_a_status_that_is_written_faster(preflight: Preflight) -> None:
    def against(times: int) -> DeterminedMaster:
        return DeterminedMaster(Overtaken(preflight.kube, times), preflight.gateway, NAMESPACE)

    late = against(4)
    port = late.expose("one")
    assert late.conflicts == 4

    with pytest.raises(Conflict):
        against(5).expose("two")
    assert ports(preflight) == {1024, port}  # the task fails

    with pytest.raises(Conflict):
        against(5).free("one", port)
    assert ports(preflight) == {1024, port}  # there is no retry: the port is lost
    assert against(0).expose("three") == port + 1


def test_with_the_profile_nothing_is_named_and_nothing_breaks(preflight: Preflight, master: DeterminedMaster) -> None:
    code, report = preflight.check()
    assert (code, troubled(report)) == (0, {})
    before = spec(preflight)
    assert erased(before) == []
    master.start()
    taken = [master.expose(f"task-{number}") for number in range(70)]  # more than Gateway API's CRD allows
    broken.controller_speaks(preflight.kube)
    assert taken == list(range(START, START + 70))
    assert ports(preflight) == {1024, *taken}
    with determined.status_writer(Kube(preflight.kube.cluster), preflight.gateway, 1.0):
        for number, port in enumerate(taken):
            master.free(f"task-{number}", port)
    assert spec(preflight) == before
    broken.controller_speaks(preflight.kube)
    assert troubled(preflight.check()[1]) == {}


def test_with_the_profile_a_burst_at_many_tasks_is_not_lost(preflight: Preflight, master: DeterminedMaster) -> None:
    with changed(preflight, many_tasks):
        assert troubled(preflight.check()[1]) == {}
        with determined.status_writer(Kube(preflight.kube.cluster), preflight.gateway, 1.0):
            taken = [master.expose(f"task-{number}") for number in range(20)]
            for number, port in enumerate(taken):
                master.free(f"task-{number}", port)
    assert len(ports(preflight)) == 1 + MANY


@pytest.mark.parametrize("release", [BUNDLE, bundles.KNOWN[-1]])
def test_what_the_check_calls_erased_is_what_the_client_drops(release: str) -> None:
    crd = bundles.fetch(release, "experimental").crds[schema.GATEWAYS]
    (newest,) = [each for each in crd["spec"]["versions"] if each["name"] == "v1"]
    whole = {"spec": example(newest["schema"]["openAPIV3Schema"]["properties"]["spec"])}
    assert set(erased(whole["spec"])) == set(dropped(whole["spec"], determined.known(whole)["spec"]))
    assert len(erased(whole["spec"])) >= 4


def example(node: Manifest) -> Any:
    """Return a value with all fields of a schema, and one item in each list."""
    if node.get("type") == "array":
        return [example(node["items"])]
    if "properties" in node:
        return {key: example(each) for key, each in node["properties"].items()}
    return {} if node.get("type") == "object" else "x"


def dropped(before: Any, after: Any, path: str = "") -> list[str]:
    """Return the paths that are only in `before`, without the paths below them."""
    if isinstance(before, list):
        return [each for one, other in zip(before, after, strict=True) for each in dropped(one, other, path)]
    if not isinstance(before, dict):
        return []
    paths: list[str] = []
    for key, value in before.items():
        here = f"{path}.{key}" if path else key
        paths += dropped(value, after[key], here) if key in after else [here]
    return paths


def test_the_masters_ports_are_listed_and_counted_without_a_configuration(preflight: Preflight) -> None:
    gateway = named(preflight)
    master = DeterminedMaster(Kube(preflight.kube.cluster), gateway, NAMESPACE)
    assert [master.expose(task) for task in ("one", "two")] == [24000, 24001]
    code, seen = ran(preflight, "ls")
    wanted = ("task_id", "owner", "kind", "port", "target_port", "strategy", "ready", "address", "namespace")
    assert code == 0
    assert [tuple(each[key] for key in wanted) for each in seen["tasks"]] == [
        (task, "determined", "Job", port, 8888, "listeners", False, {"host": "127.0.0.1", "port": port}, NAMESPACE)
        for task, port in (("one", 24000), ("two", 24001))
    ]
    (limits,) = ran(preflight, "limits")[1]["resource_managers"]
    assert (limits["strategy"], limits["capacity"], limits["active"], limits["headroom"]) == ("listeners", 499, 2, 497)
    ports = ran(preflight, "capacity")[1]["ports"]
    assert (ports["total"], ports["tasks"], ports["foreign"], ports["free"]) == (499, 2, 0, 497)
    block = ran(preflight, "master-config")[1]["internal_task_gateway"]
    assert (block["gateway_port_range_start"], block["gateway_port_range_end"]) == (24000, 24498)
    broken.controller_speaks(preflight.kube)
    preflight.without_config, preflight.arguments = True, ()
    assert troubled(preflight.check("--uninstall")[1]) == {"ITG0512": "2 live tasks: one; two"}


@pytest.mark.parametrize(("count", "expected"), [(10, "24000-24009"), (499, "24000-24498"), (600, "24000-24498")])
def test_the_range_ends_where_the_listeners_of_the_crd_end(plane: Kube, count: int, expected: str) -> None:
    there = {"controller": {"install": False}, "gatewayClass": {"create": False, "name": "theirs"}}
    kubeconfig = str(plane.cluster.kubeconfig)
    arguments = ["--dry-run=server", "--kubeconfig", kubeconfig, "--show-only", "templates/gateway.yaml"]
    values = helm.merged(PROFILE, there, {"taskPorts": {"count": count}})
    gateway = yaml.safe_load(helm.template(CHART, values, namespace=NAMESPACE, arguments=arguments))
    assert gateway["metadata"]["annotations"]["task-gateway.dev/task-ports"] == expected


def test_a_route_of_a_namespace_without_tasks_is_refused(preflight: Preflight, master: DeterminedMaster) -> None:
    master.expose("one")
    until_policy(preflight, enforced=True)
    with pytest.raises(match=f"Gateway {NAMESPACE}/{RELEASE} takes TCPRoutes from {NAMESPACE} only"):
        preflight.kube.create(strangers_route())
    elsewhere = strangers_route()
    elsewhere["spec"]["parentRefs"][0]["name"] = "another-gateway"
    preflight.kube.create(elsewhere)


def test_a_range_that_no_listeners_fit_in_is_to_be_narrowed(preflight: Preflight) -> None:
    preflight.gateway = replace(preflight.gateway, gateway_port_range_start=32768, gateway_port_range_end=65535)
    check = assert_exactly(preflight, "ITG0502")
    assert check["fix"] == "set gateway_port_range_end: 33266 in the master configuration"


def test_a_port_that_the_master_left_behind_is_told_and_freed(preflight: Preflight, master: DeterminedMaster) -> None:
    assert master.expose("lives") == START
    left = leave_behind(preflight, "gone", preflight.gateway)
    broken.controller_speaks(preflight.kube)
    assert troubled(preflight.check()[1]) == {"ITG0415": f"port {left}: allocation gone"}
    code, seen = ran(preflight, "gc", "--grace", "0")
    assert (code, seen["dry_run"]) == (1, True)
    (repair,) = seen["repairs"]
    assert (repair["action"], repair["task_id"], repair["port"], repair["done"]) == ("free", "gone", left, False)
    assert held(preflight) == {START: "lives", left: "gone"}
    with determined.status_writer(Kube(preflight.kube.cluster), preflight.gateway, 0.01):
        code, seen = ran(preflight, "gc", "--grace", "0", "--apply")
    assert (code, [each["done"] for each in seen["repairs"]]) == (0, [True])
    assert held(preflight) == {START: "lives"}
    assert ports(preflight) == {1024, START}
    assert ran(preflight, "gc")[1]["repairs"] == []
    assert master.expose("next") == left


@pytest.mark.parametrize("kind", KEPT)
def test_a_port_whose_task_still_has_something_is_left_alone(preflight: Preflight, kind: str) -> None:
    left = leave_behind(preflight, "one", preflight.gateway)
    preflight.kube.create(KEPT[kind]("one", left, preflight.gateway))
    assert ran(preflight, "gc", "--grace", "0", "--apply") == (0, {"repairs": [], "dry_run": False, "skipped": []})
    assert held(preflight) == {left: "one"}


def test_what_changes_within_the_grace_period_is_left_alone(
    preflight: Preflight, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The master frees one port itself, and another gets a task: only the third is left."""
    first, second, third = (leave_behind(preflight, task, preflight.gateway) for task in ("one", "two", "three"))
    waited = []

    def meanwhile(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 1:
            DeterminedMaster(Kube(preflight.kube.cluster), preflight.gateway, NAMESPACE).free("one", first)
            preflight.kube.create(KEPT[JOB]("two", second, preflight.gateway))

    monkeypatch.setattr(determined_left, "sleep", meanwhile)
    code, seen = ran(preflight, "gc", "--grace", "7", "--apply")
    assert waited[0] == 7
    assert (code, [(each["port"], each["done"]) for each in seen["repairs"]]) == (0, [(third, True)])
    assert held(preflight) == {second: "two"}
