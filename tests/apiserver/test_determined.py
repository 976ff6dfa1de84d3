"""A Determined master's writes, replayed: each harm is named by the check before it happens, then it happens.

On the objects of the chart's profile, with the CRDs of the other chart's, none is named and none happens.
"""

import copy
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.apiserver import broken, determined
from tests.apiserver.broken import RELEASE
from tests.apiserver.determined import Master, Overtaken
from tests.apiserver.determined_harms import COUNT, MANY, PROFILE, START, TABLE, changed, many_tasks, ports, spec, sweep
from tests.apiserver.planes import BUNDLE, CHART, rendered
from tests.preflight import NAMESPACE, Break, Stage, assert_exactly, troubled

from task_gateway.checks import gateway as gateway_checks
from task_gateway.checks.determined import erased
from task_gateway.clusters import base
from task_gateway.crds import bundles, schema
from task_gateway.errors import Conflict, Forbidden
from task_gateway.kube import helm
from task_gateway.kube.client import Kube
from task_gateway.model import Cluster, InternalTaskGateway, Manifest
from task_gateway.routing.reach import Answer

OBJECTS = ("gateway", "gatewayclass", "configmap", "role")
ACCOUNTS = "system:serviceaccount"


@pytest.fixture(scope="module")
def plane() -> Iterator[Kube]:
    """Both charts with their profiles, and all that a controller would make and say."""
    with base.lent("control-plane", base.Wish(f"test-determined-{os.getpid()}"), say=print) as cluster:
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
def stage(plane: Kube, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """The profile as it was installed; afterwards nothing of a task is there."""
    monkeypatch.setattr(gateway_checks, "probe", lambda _: Answer.CLOSED)  # no proxy runs
    gateway = InternalTaskGateway(RELEASE, NAMESPACE, "127.0.0.1", START, START + COUNT - 1)
    yield Stage(plane, gateway, tmp_path, arguments=("--profile", "determined"))
    sweep(plane)


@pytest.fixture
def master(stage: Stage) -> Master:
    return Master(Kube(stage.kube.cluster), stage.gateway, NAMESPACE)


@pytest.mark.parametrize(("act", "code", "harm"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_each_harm_is_named_before_it_happens(
    stage: Stage, master: Master, act: Break, code: str, harm: Callable[[Stage, Master], None]
) -> None:
    with act(stage):
        assert_exactly(stage, code)
        harm(stage, master)


def test_a_verb_that_is_missing_is_named_and_fails_a_step(stage: Stage, tmp_path: Path) -> None:
    roles = rendered(RELEASE, NAMESPACE, PROFILE, "role")
    cases = {"nothing": roles}
    for place, role in enumerate(roles):
        for number, rule in enumerate(role["rules"]):
            for verb in rule["verbs"]:
                less = copy.deepcopy(roles)
                less[place]["rules"][number]["verbs"].remove(verb)
                cases[f"{verb} {rule['resources'][0]} in {NAMESPACE}"] = less
    assert len(cases) == 1 + 8
    for number, granted in enumerate(cases.values()):
        grant(stage.kube, f"master-{number}", granted)
    for number, lacking in enumerate(cases):
        name = f"master-{number}"
        _, report = stage.check("--as", f"{ACCOUNTS}:{NAMESPACE}:{name}")
        said = troubled(report)
        stage.acting({"token": stage.kube.token(name, NAMESPACE)}, name)
        acting = Master(Kube(Cluster(name, "existing", tmp_path / name)), stage.gateway, NAMESPACE)
        stage.kubeconfig = None
        if lacking == "nothing":
            assert said == {}
            live(acting)
        else:
            assert said == {"ITG0701": f"missing: {lacking}"}
            verb, resource, *_ = lacking.split()
            with pytest.raises(Forbidden, match=f'cannot {verb} resource "{resource}"'):
                live(acting)
        sweep(stage.kube)


def grant(kube: Kube, name: str, roles: list[Manifest]) -> None:
    """Make a ServiceAccount with these Roles; each has its own, so that nothing has to be waited for."""
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


def live(master: Master) -> None:
    """Do all that a master does, from its start to the end of its last task."""
    master.start()
    master.free("one", master.expose("one"))


def test_five_quick_tries_are_lost_against_a_status_that_is_written_faster(stage: Stage) -> None:
    def against(times: int) -> Master:
        return Master(Overtaken(stage.kube, times), stage.gateway, NAMESPACE)

    late = against(4)
    port = late.expose("one")
    assert late.conflicts == 4

    with pytest.raises(Conflict):
        against(5).expose("two")
    assert ports(stage) == {1024, port}  # the task dies

    with pytest.raises(Conflict):
        against(5).free("one", port)
    assert ports(stage) == {1024, port}  # nobody tries again: the port is lost
    assert against(0).expose("three") == port + 1


def test_with_the_profile_nothing_is_named_and_nothing_breaks(stage: Stage, master: Master) -> None:
    code, report = stage.check()
    assert (code, troubled(report)) == (0, {})
    before = spec(stage)
    assert erased(before) == []
    master.start()
    taken = [master.expose(f"task-{number}") for number in range(70)]  # more than upstream allows
    broken.controller_speaks(stage.kube)
    assert taken == list(range(START, START + 70))
    assert ports(stage) == {1024, *taken}
    with determined.status_writer(Kube(stage.kube.cluster), stage.gateway, 1.0):
        for number, port in enumerate(taken):
            master.free(f"task-{number}", port)
    assert spec(stage) == before
    broken.controller_speaks(stage.kube)
    assert troubled(stage.check()[1]) == {}


def test_with_the_profile_a_burst_at_many_tasks_is_not_lost(stage: Stage, master: Master) -> None:
    with changed(stage, many_tasks):
        assert troubled(stage.check()[1]) == {}
        with determined.status_writer(Kube(stage.kube.cluster), stage.gateway, 1.0):
            taken = [master.expose(f"task-{number}") for number in range(20)]
            for number, port in enumerate(taken):
                master.free(f"task-{number}", port)
    assert len(ports(stage)) == 1 + MANY


@pytest.mark.parametrize("release", [BUNDLE, bundles.KNOWN[-1]])
def test_what_the_check_calls_erased_is_what_the_client_drops(release: str) -> None:
    crd = bundles.fetch(release, "experimental").crds[schema.GATEWAYS]
    (newest,) = [each for each in crd["spec"]["versions"] if each["name"] == "v1"]
    whole = {"spec": example(newest["schema"]["openAPIV3Schema"]["properties"]["spec"])}
    assert set(erased(whole["spec"])) == set(dropped(whole["spec"], determined.known(whole)["spec"]))
    assert len(erased(whole["spec"])) >= 4


def example(node: Manifest) -> Any:
    """Return a value with every field that a schema has, and one item in each list."""
    if node.get("type") == "array":
        return [example(node["items"])]
    if "properties" in node:
        return {key: example(each) for key, each in node["properties"].items()}
    return {} if node.get("type") == "object" else "x"


def dropped(before: Any, after: Any, path: str = "") -> list[str]:
    """Return the paths that are in `before` alone; below one that is, nothing is looked at."""
    if isinstance(before, list):
        return [each for one, other in zip(before, after, strict=True) for each in dropped(one, other, path)]
    if not isinstance(before, dict):
        return []
    paths: list[str] = []
    for key, value in before.items():
        here = f"{path}.{key}" if path else key
        paths += dropped(value, after[key], here) if key in after else [here]
    return paths
