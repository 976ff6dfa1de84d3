"""Changes that break a Gateway that a Determined master writes, each with its reversal and the resulting harm."""

import copy
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any

import pytest
import yaml
from tests.apiserver import broken, determined
from tests.apiserver.broken import RELEASE
from tests.apiserver.determined import DeterminedMaster
from tests.apiserver.planes import BUNDLE, CHART, rendered
from tests.preflight import NAMESPACE, SERVICE, Break, Preflight, assert_exactly

from task_gateway.checks.determined import ROUTE
from task_gateway.crds import bundles, edit, propagation, schema
from task_gateway.errors import AlreadyExists, Forbidden, Invalid, NotFound
from task_gateway.kube.client import Kube
from task_gateway.kube.kinds import JOB
from task_gateway.model import InternalTaskGateway, Manifest
from task_gateway.polling import attempts
from task_gateway.routing.gateway_api import GATEWAY, LISTENER_SET

START, COUNT = 33000, 210
MANY, SLOWER = 180, 3.0
PROFILE: Manifest = yaml.safe_load((CHART / "determined.yaml").read_text())


def sweep(kube: Kube) -> None:
    """Restore the Gateway of the profile, and remove the objects of tasks."""
    (made,) = rendered(RELEASE, NAMESPACE, PROFILE, "gateway")
    found = kube.get(GATEWAY, RELEASE, NAMESPACE)
    kube.replace(found | {"spec": made["spec"], "metadata": {**made["metadata"], "resourceVersion": version(found)}})
    for kind in (SERVICE, ROUTE, JOB):
        for each in kube.list(kind, labels=determined.LABEL):
            kube.delete(kind, each["metadata"]["name"], each["metadata"]["namespace"])
    broken.controller_speaks(kube)


def version(obj: Manifest) -> str:
    found: str = obj["metadata"]["resourceVersion"]
    return found


def spec(preflight: Preflight) -> Manifest:
    found: Manifest = preflight.kube.get(GATEWAY, RELEASE, NAMESPACE)["spec"]
    return found


def ports(preflight: Preflight) -> set[int]:
    return {each["port"] for each in spec(preflight)["listeners"]}


@contextmanager
def changed(preflight: Preflight, change: Callable[[Manifest], None]) -> Iterator[None]:
    """Change the Gateway with a current client, and write the status of a working controller."""
    found = preflight.kube.get(GATEWAY, RELEASE, NAMESPACE)
    change(found)
    preflight.kube.replace(found)
    broken.controller_speaks(preflight.kube)
    yield


def with_fields(**fields: Any) -> Break:
    return lambda preflight: changed(preflight, lambda gateway: gateway["spec"].update(fields))


@contextmanager
def without_policy(preflight: Preflight) -> Iterator[None]:
    """A task of the master, and no policy on TCPRoutes."""
    DeterminedMaster(preflight.kube, preflight.gateway, NAMESPACE).expose("one")
    broken.controller_speaks(preflight.kube)
    policy = rendered(RELEASE, NAMESPACE, PROFILE, "routepolicy")
    for each in policy:
        preflight.kube.delete(f"{each['apiVersion']}/{each['kind']}", each["metadata"]["name"])
    try:
        yield
    finally:
        for each in policy:
            preflight.kube.apply(each, field_manager="helm")
        until_policy(preflight, enforced=True)


def strangers_route() -> Manifest:
    """Return a route in another namespace to the first port of the master."""
    gateway = InternalTaskGateway(RELEASE, NAMESPACE, "127.0.0.1", START, START)
    return determined.objects("stranger", START, gateway, "default")[1]


def until_policy(preflight: Preflight, *, enforced: bool) -> None:
    """Return when the API server enforces the policy on TCPRoutes, or no longer does, a moment after the write."""
    for _ in attempts(propagation.PROPAGATED):
        try:
            with suppress(AlreadyExists):
                preflight.kube.create(strangers_route(), dry_run=True)
        except Forbidden:
            refused = True
        else:
            refused = False
        if refused is enforced:
            return
    raise AssertionError(f"a TCPRoute of another namespace is {'let in' if enforced else 'refused'} all the time")


def a_stranger_takes_the_port(preflight: Preflight, master: DeterminedMaster) -> None:
    until_policy(preflight, enforced=False)
    assert preflight.kube.create(strangers_route())["metadata"]["namespace"] == "default"


@contextmanager
def alpha_not_served(preflight: Preflight) -> Iterator[None]:
    name = "tcproutes.gateway.networking.k8s.io"
    before = preflight.kube.get(schema.KIND, name)
    after = copy.deepcopy(before)
    for each in after["spec"]["versions"]:
        each["served"] = each["name"] == "v1"
    preflight.kube.replace(after)
    try:
        broken.wait_until_served(preflight, ROUTE, served=False)
        yield
    finally:
        now = preflight.kube.get(schema.KIND, name)
        preflight.kube.replace(before | {"metadata": before["metadata"] | {"resourceVersion": version(now)}})
        broken.wait_until_served(preflight, ROUTE)


def ends_at_its_start(preflight: Preflight, master: DeterminedMaster) -> None:
    with pytest.raises(NotFound, match="v1alpha2/TCPRoute"):
        DeterminedMaster(Kube(preflight.kube.cluster), preflight.gateway, NAMESPACE).start()


def only_a_task_listens(preflight: Preflight) -> AbstractContextManager[None]:
    preflight.kube.create(determined.job("one", NAMESPACE))

    def change(gateway: Manifest) -> None:
        gateway["spec"]["listeners"] = [determined.listener(START)]
        gateway["metadata"].setdefault("annotations", {})[f"determined.ai/det-gateway-port-{START}"] = "one"

    return changed(preflight, change)


def the_last_release_fails(preflight: Preflight, master: DeterminedMaster) -> None:
    with pytest.raises(Invalid, match=r"spec\.listeners"):
        master.free("one", START)
    assert ports(preflight) == {START}


def parameters_are_erased(preflight: Preflight, master: DeterminedMaster) -> None:
    master.expose("one")
    assert "parametersRef" not in spec(preflight).get("infrastructure", {})


@contextmanager
def a_listener_set(preflight: Preflight) -> Iterator[None]:
    listeners = [{"name": "own", "port": 20000, "protocol": "TCP"}]
    meta = {"name": "own", "namespace": NAMESPACE}
    made = {"parentRef": {"name": RELEASE}, "listeners": listeners}
    whole = {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "ListenerSet", "metadata": meta, "spec": made}
    with preflight.made(whole), with_fields(allowedListeners={"namespaces": {"from": "Same"}})(preflight):
        yield


def listener_sets_are_let_in_no_more(preflight: Preflight, master: DeterminedMaster) -> None:
    master.expose("one")
    assert "allowedListeners" not in spec(preflight)
    assert preflight.kube.get(LISTENER_SET, "own", NAMESPACE)


def the_scope_is_erased(preflight: Preflight, master: DeterminedMaster) -> None:
    master.expose("one")
    assert "defaultScope" not in spec(preflight)


def spec_alone_raised(preflight: Preflight) -> AbstractContextManager[None]:
    def alone(crd: Manifest) -> Manifest:
        return schema.with_max_items(
            schema.with_max_items(crd, schema.SPEC_LISTENERS, 499), schema.STATUS_LISTENERS, 64
        )

    return changed_crd(preflight, alone)


@contextmanager
def changed_crd(preflight: Preflight, change: Callable[[Manifest], Manifest]) -> Iterator[None]:
    before = preflight.kube.get(schema.KIND, schema.GATEWAYS)
    after = change(before)
    preflight.kube.replace(after)
    until_heeded(preflight, after)
    try:
        yield
    finally:
        sweep(preflight.kube)  # while the current Gateway is still allowed
        now = preflight.kube.get(schema.KIND, schema.GATEWAYS)
        preflight.kube.replace(before | {"metadata": before["metadata"] | {"resourceVersion": version(now)}})
        until_heeded(preflight, before)


def until_heeded(preflight: Preflight, crd: Manifest) -> None:
    """Return when the API server enforces the limit of listeners in this CRD, a moment after the write."""
    allowed = edit.allowed(crd) or 0
    deadline = time.monotonic() + propagation.PROPAGATED.seconds

    while propagation.is_refused_as_too_many(preflight.kube, allowed) or not propagation.is_refused_as_too_many(
        preflight.kube, allowed + 1
    ):
        assert time.monotonic() < deadline, f"the API server does not apply the limit of {allowed} listeners"


def the_status_freezes(preflight: Preflight, master: DeterminedMaster) -> None:
    for number in range(63):
        master.expose(f"task-{number}")
    broken.controller_speaks(preflight.kube)
    master.expose("one-more")
    assert len(ports(preflight)) == 65
    with pytest.raises(Invalid, match=r"status\.listeners"):
        broken.controller_speaks(preflight.kube)


def rules_of_upstream(preflight: Preflight) -> AbstractContextManager[None]:
    """The CRD of Gateway API, raised as far as its rules allow."""
    upstream = bundles.fetch(BUNDLE, "experimental").crds[schema.GATEWAYS]
    return changed_crd(preflight, lambda crd: crd | {"spec": edit.raised(upstream, 213, drop=False)["spec"]})


def writes_get_slow(preflight: Preflight, master: DeterminedMaster) -> None:
    with changed(preflight, many_tasks):
        assert assert_exactly(preflight, "ITG0210")["result"] == "error"
    with_rules = seconds_of_a_write(preflight)
    with changed_crd(preflight, lambda crd: edit.raised(crd, 212, drop=True)):
        without = seconds_of_a_write(preflight)
    assert with_rules > SLOWER * without, f"{with_rules:.2f} s, and {without:.2f} s without the rules"


def seconds_of_a_write(preflight: Preflight) -> float:
    """Return the seconds of the fastest of five writes of a Gateway with many tasks, the least delayed one."""
    with changed(preflight, many_tasks):
        found = preflight.kube.get(GATEWAY, RELEASE, NAMESPACE)
    taken = []
    for number in range(5):
        found["metadata"].setdefault("annotations", {})["written"] = str(number)
        started = time.monotonic()
        found = preflight.kube.replace(found)
        taken.append(time.monotonic() - started)
    return min(taken)


def many_tasks(gateway: Manifest) -> None:
    gateway["spec"]["listeners"] = [
        gateway["spec"]["listeners"][0], *(determined.listener(START + each) for each in range(MANY)),
    ]  # fmt: skip


def node_ports_on(preflight: Preflight) -> AbstractContextManager[object]:
    on, off = ({"spec": {"allocateLoadBalancerNodePorts": value}} for value in (True, False))
    return preflight.patched(SERVICE, "envoy", on, off)


def each_port_takes_a_node_port(preflight: Preflight, master: DeterminedMaster) -> None:
    two = {"spec": {"ports": [{"name": f"p-{port}", "port": port} for port in (START, START + 1)]}}
    found = preflight.kube.patch(SERVICE, "envoy", NAMESPACE, two)
    assert len({each["nodePort"] for each in found["spec"]["ports"]}) == 2
    preflight.kube.patch(SERVICE, "envoy", NAMESPACE, {"spec": {"ports": [{"port": START, "nodePort": None}]}})


TABLE: list[tuple[str, Break, str, Callable[[Preflight, DeterminedMaster], None]]] = [
    ("v1alpha2 of TCPRoute is not served", alpha_not_served, "ITG0209", ends_at_its_start),
    ("no listener is permanent", only_a_task_listens, "ITG0411", the_last_release_fails),
    (
        "the Gateway refers to an EnvoyProxy",
        with_fields(infrastructure={"parametersRef": {"group": "g", "kind": "EnvoyProxy", "name": "envoy"}}),
        "ITG0412",
        parameters_are_erased,
    ),
    ("a ListenerSet hangs on it", a_listener_set, "ITG0413", listener_sets_are_let_in_no_more),
    ("a later field is set", with_fields(defaultScope="All"), "ITG0414", the_scope_is_erased),
    ("only the spec is raised", spec_alone_raised, "ITG0205", the_status_freezes),
    ("the quadratic rules are kept", rules_of_upstream, "ITG0210", writes_get_slow),
    ("routes of any namespace are let in", without_policy, "ITG0703", a_stranger_takes_the_port),
    ("node ports are allocated", node_ports_on, "ITG0406", each_port_takes_a_node_port),
]
