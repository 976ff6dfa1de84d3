"""Single checks, where a cluster would be hard to bring into the state."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from task_gateway.checks import base, cluster, controller, crds, gateway, routing, security
from task_gateway.checks.base import Trouble
from task_gateway.controllers.base import CONTROLLERS, UNKNOWN
from task_gateway.kube.client import Kube
from task_gateway.limits.site import Site
from task_gateway.model import Address, ManagerLimits, Manifest
from task_gateway.routing.endpoints import Endpoint
from task_gateway.routing.listening import Listener
from task_gateway.routing.reach import Answer
from task_gateway.routing.table import Slot

Make = Callable[..., Site]
ENVOY, CONTOUR = "gateway.envoyproxy.io/gatewayclass-controller", "projectcontour.io/gateway-controller"


def so(type: str, status: str, generation: int = 1) -> Manifest:
    return {"type": type, "status": status, "reason": "Because", "message": "so", "observedGeneration": generation}


def node(name: str, ready: str) -> Manifest:
    return {"metadata": {"name": name}, "status": {"conditions": [so("Ready", ready)]}}


@pytest.mark.parametrize(
    ("version", "right"), [("v1.33.9", False), ("v1.34.0", True), ("v1.37.0+k3s1", True), ("v2.0.0", True)]
)
def test_old_kubernetes_is_a_warning(site: Make, monkeypatch: pytest.MonkeyPatch, version: str, right: bool) -> None:
    monkeypatch.setattr(Kube, "version", lambda _: version)
    said = cluster.version(site())
    assert said == (None if right else Trouble("v1.33.9 is older than 1.34", warning=True))


def test_some_nodes_not_ready_warn_and_none_ready_is_an_error(site: Make) -> None:
    assert cluster.nodes(site(nodes=[node("a", "True")])) is None
    some = cluster.nodes(site(nodes=[node("a", "True"), node("b", "Unknown")]))
    assert some == Trouble("not Ready: b", warning=True)
    assert cluster.nodes(site(nodes=[node("b", "False")])) == Trouble("not Ready: b")
    assert cluster.nodes(site(nodes=[])) == Trouble("there are no nodes")


def kube_proxy(node: str, ready: str, restarts: int = 0) -> Manifest:
    state = {"waiting": {"reason": "CrashLoopBackOff"}}
    container = {"name": "kube-proxy", "ready": ready == "True", "restartCount": restarts, "state": state}
    status = {"conditions": [so("Ready", ready)], "containerStatuses": [container]}
    return {"metadata": {"name": f"kube-proxy-{node}"}, "spec": {"nodeName": node}, "status": status}


def test_a_node_whose_kube_proxy_does_not_run_is_named(site: Make) -> None:
    assert cluster.kube_proxy(site(kube_proxies=[])) is None, "another component may replace it"
    assert cluster.kube_proxy(site(kube_proxies=[kube_proxy("a", "True", restarts=7)])) is None
    broken = kube_proxy("b", "False", restarts=7)
    said = "node b: Pod kube-proxy-b: container kube-proxy: CrashLoopBackOff"
    logs = "kubectl logs --namespace kube-system kube-proxy-b --previous"
    assert cluster.kube_proxy(site(kube_proxies=[broken])) == Trouble(said, fix=logs)
    some = cluster.kube_proxy(site(kube_proxies=[kube_proxy("a", "True"), broken]))
    assert some == Trouble(said, warning=True, fix=logs)
    assert cluster.kube_proxy(site(kube_proxies=[broken, kube_proxy("b", "True")])) is None, "it was replaced"
    begun = cluster.kube_proxy(site(kube_proxies=[kube_proxy("b", "False")]))
    assert begun is not None
    assert begun.fix == "", "there is no previous log"


def test_a_crd_whose_names_clash_is_not_established(site: Make) -> None:
    crd = {"metadata": {}, "status": {"conditions": [so("Established", "False")]}}
    said = crds.established(site(crd=crd))
    assert said is not None
    assert said.message.startswith("Established is False")
    crd["status"]["conditions"] = [so("Established", "True")]
    assert crds.established(site(crd=crd)) is None


def crd(version: str, **lists: int) -> Manifest:
    properties = {
        part: {"properties": {"listeners": {"type": "array", "maxItems": number}}} for part, number in lists.items()
    }
    each = {"name": "v1", "served": True, "schema": {"openAPIV3Schema": {"properties": properties}}}
    notes = {"gateway.networking.k8s.io/bundle-version": version}
    return {"metadata": {"annotations": notes}, "spec": {"versions": [each]}}


def test_the_command_raises_to_the_larger_number(site: Make) -> None:
    said = crds.agree(site(crd=crd("v1.6.1", spec=213, status=64)))
    assert said == Trouble(
        "maxItems differ: v1 spec.listeners 213, v1 status.listeners 64",
        fix="task-gateway crds raise --max-listeners 213",
    )
    assert crds.agree(site(crd=crd("v1.6.1", spec=213, status=213))) is None


@pytest.mark.parametrize(("version", "right"), [("v1.5.9", False), ("v1.6.0", True), ("v1.10.0", True), ("", False)])
def test_envoy_gateway_needs_the_crds_of_its_time(site: Make, version: str, right: bool) -> None:
    class_ = {"spec": {"controllerName": ENVOY}}
    assert (crds.bundle(site(crd=crd(version), gateway_class=class_)) is None) == right
    assert crds.bundle(site(crd=crd(version), gateway_class={"spec": {"controllerName": CONTOUR}})) is None


def deployment(image: str) -> Manifest:
    container = {"image": image}
    return {"metadata": {"name": "c", "namespace": "n"}, "spec": {"template": {"spec": {"containers": [container]}}}}


@pytest.mark.parametrize(
    ("name", "image", "said"),
    [
        (ENVOY, "docker.io/envoyproxy/gateway:v1.9.1", None),
        (ENVOY, "registry:5000/gateway:v1.9.7@sha256:1234", None),
        (ENVOY, "docker.io/envoyproxy/gateway:v1.10.0", "docker.io/envoyproxy/gateway:v1.10.0: tested is 1.9"),
        (CONTOUR, "ghcr.io/projectcontour/contour:v1.33.8", None),
        (CONTOUR, "ghcr.io/projectcontour/contour:v1.32.0", "ghcr.io/projectcontour/contour:v1.32.0: tested is 1.33"),
        ("else.where/controller", "", "else.where/controller is not a controller that is tested"),
    ],
)
def test_other_controllers_are_a_warning(
    site: Make, monkeypatch: pytest.MonkeyPatch, name: str, image: str, said: str | None
) -> None:
    monkeypatch.setattr(Kube, "list", lambda *_, **__: [deployment(image)])
    found = controller.supported(site(gateway_class={"spec": {"controllerName": name}}))
    assert found == (None if said is None else Trouble(said, warning=True))


def test_an_unknown_controller_has_no_deployments(site: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Kube, "list", lambda *_, **__: [deployment("any")])
    assert controller.deployments(site(controller=UNKNOWN)) == []


def test_the_address_is_compared_as_an_address_and_host_names_are_looked_up(
    site: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def status(*values: str) -> Manifest:
        return {"status": {"addresses": [{"value": each} for each in values]}}

    names = {"elb.example.com": {"192.0.2.7"}}
    monkeypatch.setattr(gateway, "resolve", lambda host: names.get(host, {host}))
    assert gateway.address(site(gateway_object=status("192.0.2.7"))) is None
    assert gateway.address(site(gateway_object=status("198.51.100.1", "elb.example.com"))) is None
    said = gateway.address(site(gateway_object=status("198.51.100.1")))
    assert said == Trouble("gateway_ip is 192.0.2.7, the Gateway has 198.51.100.1")
    said = gateway.address(site(gateway_object={}))
    assert said == Trouble("gateway_ip is 192.0.2.7, the Gateway has no address")


def test_a_host_name_that_nobody_knows_is_said(site: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway, "resolve", lambda _: set())
    said = gateway.address(site(gateway_object={}))
    assert said == Trouble("gateway_ip 192.0.2.7 cannot be resolved from here")


def test_one_address_has_many_spellings() -> None:
    assert gateway.resolve("2001:DB8:0::1") == {"2001:db8::1"}
    assert "127.0.0.1" in gateway.resolve("localhost")
    assert gateway.resolve("no-such-host.invalid") == set()


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        (Answer.TALKS, True),
        (Answer.CLOSED, True),
        (Answer.SILENT, True),
        (Answer.REFUSED, False),
        (Answer.UNREACHABLE, False),
    ],
)
def test_a_port_of_the_range_is_tried_before_others(
    site: Make, monkeypatch: pytest.MonkeyPatch, answer: Answer, right: bool
) -> None:
    tried = []

    def probe(at: Address) -> Answer:
        tried.append(str(at))
        return answer

    monkeypatch.setattr(gateway, "probe", probe)
    listeners = [Listener(f"l-{port}", port, "Gateway", "ns", "gw", "foreign") for port in (1024, 2003, 2004)]
    said = gateway.answers(site(listeners=listeners, controller=UNKNOWN))
    assert tried == ["192.0.2.7:2003"]
    assert said == (
        None if right else Trouble(f"{tried[0]} {answer.value}", fix="curl --verbose telnet://192.0.2.7:2003")
    )
    assert gateway.answers(site(listeners=listeners[:1], controller=UNKNOWN)) == (None if said is None else Trouble(
        f"192.0.2.7:1024 {answer.value}", fix="curl --verbose telnet://192.0.2.7:1024"
    ))  # fmt: skip


@pytest.mark.parametrize(("use", "tried"), [("foreign", False), ("listeners", True)])
def test_contour_answers_nowhere_before_the_first_task(
    site: Make, monkeypatch: pytest.MonkeyPatch, use: str, tried: bool
) -> None:
    monkeypatch.setattr(gateway, "probe", lambda _: Answer.REFUSED)
    listeners = [Listener("placeholder", 1024, "Gateway", "ns", "gw", "foreign")]
    listeners += [Listener("det-2003", 2003, "Gateway", "ns", "gw", use)]
    said = gateway.answers(site(listeners=listeners, controller=CONTROLLERS.get("contour")))
    assert (said is not None) is tried


@pytest.mark.parametrize(("active", "result"), [(90, None), (91, "warning"), (99, "warning"), (100, "error")])
def test_little_headroom_warns_and_none_is_an_error(
    site: Make, monkeypatch: pytest.MonkeyPatch, active: int, result: str | None
) -> None:
    limits = ManagerLimits("east", "east", "slots", "ns/gw", 100, active, 100 - active, "slots")
    monkeypatch.setattr(routing, "limits_of", lambda _: limits)
    said = routing.headroom(site())
    assert (None if said is None else "warning" if said.warning else "error") == result


def route(*parents: Manifest, said: tuple[tuple[Manifest, str], ...] = ()) -> Manifest:
    status = [{"parentRef": parent, "conditions": [so("Accepted", state)]} for parent, state in said]
    return {
        "metadata": {"name": "r", "namespace": "ns", "labels": LABELS},
        "spec": {"parentRefs": list(parents)},
        "status": {"parents": status},
    }


LABELS = {"task-gateway.dev/gateway": "gw", "task-gateway.dev/gateway-namespace": "ns"}
NEW, OLD = {"name": "set-0", "sectionName": "new"}, {"name": "set-0", "sectionName": "old"}


def test_a_route_counts_as_refused_by_the_parents_that_it_names(site: Make) -> None:
    def accepted(*said: tuple[Manifest, str]) -> Trouble | None:
        return routing.accepted(site(routes=[route(NEW, said=said)], controller_name=""))

    assert accepted((NEW, "True"), (OLD, "False")) is None
    assert accepted((NEW, "False"), (OLD, "True")) == Trouble("TCPRoute r: Because: so")
    assert accepted((OLD, "True")) == Trouble("TCPRoute r: no controller has looked at it")


THEIRS, OWN = {"controllerName": "example.com/other"}, {"controllerName": "example.com/own"}


@pytest.mark.parametrize(
    ("known", "states", "trouble"),
    [
        (True, [(THEIRS, "False"), (OWN, "True")], None),
        (True, [(THEIRS, "True"), (OWN, "False")], "TCPRoute r: Because: so"),
        (True, [(THEIRS, "True")], "TCPRoute r: no controller has looked at it"),
        (False, [(THEIRS, "False"), (OWN, "True")], None),
        (False, [(THEIRS, "False"), (OWN, "False")], "TCPRoute r: Because: so"),
    ],
    ids=["own accepts", "own refuses", "own is silent", "class unreadable, one accepts", "class unreadable, none does"],
)
def test_only_the_controller_of_the_class_counts(
    site: Make, known: bool, states: list[tuple[Manifest, str]], trouble: str | None
) -> None:
    refs = [{"parentRef": NEW, "conditions": [so("Accepted", state)], **whose} for whose, state in states]
    seen = route(NEW) | {"status": {"parents": refs}}
    said = routing.accepted(site(routes=[seen], controller_name=OWN["controllerName"] if known else ""))
    assert said == (None if trouble is None else Trouble(trouble))


def test_only_the_first_three_are_named(site: Make) -> None:
    refused = [route(NEW, said=((NEW, "False"),)) for _ in range(5)]
    said = routing.accepted(site(routes=refused, controller_name=""))
    assert said is not None
    assert said.message.endswith("; TCPRoute r: Because: so, and 2 more")


SLOT = Slot(2000, "gw-slot-2000", "1", unselected=True)
MINE = {"metadata": {"name": "a1", "labels": {"task-gateway.dev/task": "t1"}}}
LEFT = Endpoint("gw-slot-2000-x", "a1", "10.0.0.7", managed=True)


@pytest.mark.parametrize(
    ("slot", "found", "message", "fix"),
    [
        (SLOT, [], None, ""),
        (SLOT, [LEFT], "port 2000 is free and leads to Pod a1 (10.0.0.7), the claim of task t1 is gone", ""),
        (SLOT, [replace(LEFT, pod="")], "port 2000 is free and leads to 10.0.0.7", ""),
        (replace(SLOT, unselected=False, selects="released.2000"), [LEFT], None, ""),
        (
            replace(SLOT, unselected=False, selects="released.2000"),
            [replace(LEFT, pod="other", managed=False)],
            "port 2000 is free and leads to Pod other (10.0.0.7)",
            "kubectl delete endpointslices --namespace ns gw-slot-2000-x",
        ),
        (replace(SLOT, task="t1"), [LEFT], "port 2000 selects no task, not t1", ""),
        (replace(SLOT, task="t1", unselected=False, selects="t2"), [], "port 2000 selects t2, not t1", ""),
        (replace(SLOT, task="t1", unselected=False, selects="t1"), [LEFT], None, ""),
    ],
)
def test_a_slot_leads_to_its_own_task_or_to_none(
    site: Make, slot: Slot, found: list[Endpoint], message: str | None, fix: str
) -> None:
    said = routing.selectors(site(slots=[slot], endpoints={slot.service: found}, pods=[MINE], namespace="ns"))
    assert said == (None if message is None else Trouble(message, fix=fix))


def test_contours_colliding_ports_are_kept(site: Make) -> None:
    found = site(gateway_class={"spec": {"controllerName": CONTOUR}}, strategy="slots", listeners=[])
    assert routing.reserved(found) is None
    high = Site.__new__(Site)
    vars(high).update(vars(found))
    high.gateway = type(found.gateway)("gw", "ns", "192.0.2.7", 58000, 59100)
    said = routing.reserved(high)
    assert said == Trouble("78 ports, 59023 to 59100", warning=True)


@pytest.mark.parametrize(
    ("container", "pod", "right"),
    [
        ({"allowPrivilegeEscalation": False, "runAsNonRoot": True, "capabilities": {"drop": ["ALL"]}}, {}, True),
        (
            {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
            {"securityContext": {"runAsNonRoot": True}},
            True,
        ),
        ({"runAsNonRoot": True, "capabilities": {"drop": ["ALL"]}}, {}, False),
        ({"allowPrivilegeEscalation": False, "runAsNonRoot": True}, {}, False),
        ({"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}, {}, False),
        (
            {"allowPrivilegeEscalation": False, "runAsNonRoot": True, "capabilities": {"drop": ["ALL"]}},
            {"hostNetwork": True},
            False,
        ),
    ],
)
def test_what_restricted_means(site: Make, container: Manifest, pod: Manifest, right: bool) -> None:
    spec = {"containers": [{"name": "envoy", "securityContext": container}], **pod}
    proxy = {"metadata": {"name": "proxy"}, "spec": {"template": {"spec": spec}}}
    said = security.restricted(site(proxies=[proxy]))
    assert said == (None if right else Trouble("container envoy of proxy", warning=True))


@pytest.mark.parametrize(
    ("address", "service", "right"),
    [
        ("192.0.2.7", {"type": "LoadBalancer"}, True),
        ("10.1.2.3", {"type": "LoadBalancer"}, True),
        ("8.8.8.8", {"type": "LoadBalancer"}, False),
        ("8.8.8.8", {"type": "LoadBalancer", "loadBalancerSourceRanges": ["192.0.2.0/24"]}, True),
        ("8.8.8.8", {"type": "ClusterIP"}, True),
    ],
)
def test_public_addresses_want_source_ranges(
    site: Make, monkeypatch: pytest.MonkeyPatch, address: str, service: Manifest, right: bool
) -> None:
    monkeypatch.setattr(security, "resolve", lambda _: {address})
    said = security.source_ranges(site(proxy_services=[{"metadata": {"name": "envoy"}, "spec": service}]))
    assert said == (
        None if right else Trouble(f"{address} is public and Service envoy has no source ranges", warning=True)
    )


@pytest.mark.parametrize(
    ("strategy", "templates", "wanted"),
    [
        ("slots", {}, "get gateways gw ns, get configmaps gw-task-routing-templates ns, get services  ns, "
         "list services  ns, patch services  ns, list endpointslices  ns"),
        ("listeners", None, "get gateways gw ns, update gateways gw ns, list services  ns, create services  ns, "
         "delete services  ns, list tcproutes  ns, create tcproutes  ns, delete tcproutes  ns, list pods  ns, "
         "watch pods  ns, delete pods  ns, get pods  ns, create jobs  ns, watch jobs  ns, delete jobs  ns, "
         "list configmaps  ns, create configmaps  ns, delete configmaps  ns, list events  ns, watch events  ns, "
         "list jobs  , list nodes  , watch nodes  , patch nodes  "),
    ],
)  # fmt: skip
def test_rights_are_asked_for_as_the_strategy_needs_them(
    site: Make, monkeypatch: pytest.MonkeyPatch, strategy: str, templates: Any, wanted: str
) -> None:
    asked = []

    def create(_self: Kube, review: Manifest) -> Manifest:
        one = review["spec"]["resourceAttributes"]
        asked.append(" ".join((one["verb"], one["resource"], one["name"], one["namespace"])))
        return {"status": {"allowed": (one["verb"], one["resource"]) != ("patch", "services")}}

    monkeypatch.setattr(Kube, "create", create)
    monkeypatch.setattr(security, "grant", lambda _: "")
    said = security.rights(site(strategy=strategy, templates=templates, slots=[], namespace="ns"))
    assert ", ".join(asked) == wanted
    assert said == (Trouble("missing: patch services in ns") if strategy == "slots" else None)


def test_commands_have_the_names_of_the_gateway_and_of_its_release(site: Make) -> None:
    meta = {"labels": {"app.kubernetes.io/instance": "rel"}}
    spec = {"gatewayClassName": "klass"}
    found = site(
        gateway_object={"metadata": meta, "spec": spec}, namespace="tasks", controller=CONTROLLERS.get("contour")
    )
    assert base.fill("x {gateway} {namespace} {tasks} {gateway_class}", found) == "x gw ns tasks klass"
    assert base.fill("kubectl get pods -l {proxies}", found).endswith(" -l gateway.networking.k8s.io/gateway-name=gw")
    upgrade = "helm upgrade rel internal-task-gateway --namespace ns --reuse-values --set a=b"
    assert base.fill("{upgrade} --set a=b", found) == upgrade


def workload(**status: Any) -> Manifest:
    return {"kind": "Deployment", "metadata": {"name": "envoy", "namespace": "n"}, "status": status}


def waiting(reason: str, message: str) -> Manifest:
    container = {"name": "envoy", "ready": False, "state": {"waiting": {"reason": reason, "message": message}}}
    status = {"conditions": [so("Ready", "False")], "containerStatuses": [container]}
    return {"metadata": {"name": "envoy-1"}, "status": status}


def test_a_proxy_that_is_not_there_is_told_with_the_reason_that_kubernetes_has() -> None:
    assert base.unavailable([workload(availableReplicas=1)]) is None
    assert base.unavailable([{**workload(numberAvailable=1), "kind": "DaemonSet"}]) is None
    refused = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "exceeded quota"}
    assert base.unavailable([workload(conditions=[refused])]) == (
        "no pod of Deployment n/envoy is available: FailedCreate: exceeded quota"
    )
    pulling = waiting("ImagePullBackOff", "Back-off pulling image")
    assert base.unavailable([workload()], [pulling]) == (
        "no pod of Deployment n/envoy is available: "
        "Pod envoy-1: container envoy: ImagePullBackOff: Back-off pulling image"
    )


def test_a_gateway_without_a_proxy_is_told_with_its_condition(site: Make) -> None:
    refused = so("Programmed", "False") | {"reason": "AddressNotUsable"}
    gateway_object = {"metadata": {"generation": 1}, "status": {"conditions": [so("Accepted", "True"), refused]}}
    found = site(controller=CONTROLLERS.get("envoy-gateway"), proxies=[], gateway_object=gateway_object)
    said = gateway.proxy(found)
    assert said is not None
    assert said.message == "the controller has created no proxy: Programmed is False (AddressNotUsable): so"
    assert gateway.proxy(site(controller=UNKNOWN, proxies=[], gateway_object=gateway_object)) is None


def test_a_proxy_without_a_service_leads_to_the_controllers_log(site: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    status = {"conditions": [so("Programmed", "False") | {"reason": "AddressNotUsable"}]}
    found = site(
        gateway_object={"metadata": {}, "status": status},
        controller=CONTROLLERS.get("envoy-gateway"),
        proxies=[workload()],
        proxy_services=[],
    )
    monkeypatch.setattr(Kube, "list", lambda *_, **__: [workload()])
    said = gateway.programmed(found)
    assert said is not None
    assert said.message == "Programmed is False (AddressNotUsable): so; the proxy has no Service"
    assert said.fix == "kubectl logs --namespace n --selector control-plane=envoy-gateway --tail 50"
