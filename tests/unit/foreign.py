"""Generates objects as any client may write them: only the fields that the API server's schemas require are fixed."""

from typing import Any

from hypothesis import strategies as st

from task_gateway.model import LABEL_PREFIX, TASK_LABEL
from task_gateway.routing import names

Objects = st.SearchStrategy[dict[str, Any]]

text = st.text(max_size=12)
odd = text | st.sampled_from(
    ["", "[/x]", "\x1b[31m", "20000", "2000", "t1", "released.2000", "1G", "١", "²", "9" * 5000]
)
ports = st.integers(1, 65535) | st.sampled_from([2000, 2001, 20000])
states = st.sampled_from(["True", "False", "Unknown"])
MOMENT = "2026-01-01T00:00:00Z"
LABELS = (names.GATEWAY_LABEL, names.GATEWAY_NAMESPACE_LABEL, names.SLOT_LABEL, names.STRATEGY_LABEL, TASK_LABEL)
NOTES = (names.CLAIMED_BY, names.OWNER, names.OBJECT, names.CLAIMED_AT, names.RELEASED_AT)
USUAL = {names.GATEWAY_LABEL: "gw", names.GATEWAY_NAMESPACE_LABEL: "ns", names.SLOT_LABEL: "2000", TASK_LABEL: "t1"}
BALANCER = f"{LABEL_PREFIX}/load-balancer-listeners"


def some(**fields: st.SearchStrategy[Any]) -> Objects:
    """All of these fields, which reaches what lies deepest, or any of them, or none."""
    return st.fixed_dictionaries(fields) | st.fixed_dictionaries({}, optional=fields)


def entries(*keys: str) -> st.SearchStrategy[dict[str, str]]:
    """Labels or annotations: ours with any value, and any others."""
    ours = some(**{key: st.just(USUAL[key]) | odd if key in USUAL else odd for key in keys})
    return st.builds(lambda own, others: {**others, **own}, ours, st.dictionaries(text, odd, max_size=2))


def obj(kind: str, **fields: st.SearchStrategy[Any]) -> Objects:
    """An object of a kind with these fields; its metadata as every object has it."""
    needed = {
        "name": st.sampled_from(["a", "gw", "gw-slot-2000", "x.y"]),
        "namespace": st.sampled_from(["ns", "other"]),
        "uid": st.just("u"),
        "resourceVersion": st.integers(1, 10**9).map(str),
        "creationTimestamp": st.just(MOMENT),
    }
    more = some(
        labels=entries(*LABELS),
        annotations=entries(*NOTES, BALANCER),
        generation=st.integers(1, 3),
        deletionTimestamp=st.just(MOMENT),
    )
    metadata = st.builds(lambda own, others: own | others, st.fixed_dictionaries(needed), more)
    return st.fixed_dictionaries({"kind": st.just(kind), "metadata": metadata, **fields})


def conditions(*types: str) -> st.SearchStrategy[list[Any]]:
    known = st.fixed_dictionaries(
        {"type": st.sampled_from(types), "status": states},
        optional={"reason": odd, "message": odd, "observedGeneration": st.integers(0, 3)},
    )
    return st.lists(known, max_size=3)


service_port = st.fixed_dictionaries(
    {"port": ports, "targetPort": ports | odd}, optional={"nodePort": ports, "name": text, "protocol": text}
)
ingress = st.lists(some(ip=text, hostname=text), max_size=2)
services = obj(
    "Service",
    spec=some(
        ports=st.lists(service_port, max_size=3),
        selector=st.none() | entries(TASK_LABEL),
        type=st.sampled_from(["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"]),
        externalIPs=st.lists(text, max_size=2),
        clusterIP=st.sampled_from(["None", "", "10.0.0.1"]),
        allocateLoadBalancerNodePorts=st.booleans(),
        loadBalancerSourceRanges=st.lists(text, max_size=1),
    ),
    status=some(loadBalancer=some(ingress=ingress)),
)
pods = obj(
    "Pod",
    spec=st.just({"containers": [{"name": "c"}]}),
    status=some(phase=text, conditions=conditions("Ready", "Other"), podIP=text),
)
jobs = obj(
    "Job",
    spec=st.fixed_dictionaries({"template": some(metadata=some(labels=entries(TASK_LABEL)))}),
    status=some(conditions=conditions("Complete", "Failed")),
)
endpoint = st.fixed_dictionaries(
    {"addresses": st.lists(text, min_size=1, max_size=2)},
    optional={
        "targetRef": some(kind=st.sampled_from(["Pod", "Node"]), name=text),
        "conditions": some(ready=st.booleans()),
    },
)
slices = obj("EndpointSlice", endpoints=st.none() | st.lists(endpoint, max_size=2))
parents = st.fixed_dictionaries(
    {"name": st.sampled_from(["gw", "set-0"])},
    optional={"sectionName": st.sampled_from(["slot-2000", "x"]), "kind": st.just("ListenerSet"), "namespace": text},
)
routes = obj(
    "TCPRoute",
    spec=some(parentRefs=st.lists(parents, max_size=2)),
    status=some(
        parents=st.lists(
            st.fixed_dictionaries(
                {"parentRef": parents, "controllerName": st.sampled_from(["own", "other"])},
                optional={"conditions": conditions("Accepted", "ResolvedRefs")},
            ),
            max_size=3,
        )
    ),
)
quotas = obj("ResourceQuota", status=some(hard=entries("services", "count/services"), used=entries("services")))
allowed = some(namespaces=some(**{"from": st.sampled_from(["All", "Same"]), "selector": some(matchLabels=entries())}))
listener = st.fixed_dictionaries(
    {"name": st.sampled_from(["slot-2000", "task-2001", "det-2", "x"]), "port": ports},
    optional={"allowedRoutes": allowed},
)
listener_status = st.fixed_dictionaries(
    {"name": st.sampled_from(["slot-2000", "x"])}, optional={"conditions": conditions("Programmed", "Conflicted")}
)
parent_status = some(
    conditions=conditions("Accepted", "Programmed"),
    listeners=st.lists(listener_status, max_size=2),
    addresses=st.lists(st.fixed_dictionaries({"value": text}, optional={"type": text}), max_size=2),
)
gateways = obj(
    "Gateway",
    spec=st.fixed_dictionaries(
        {"gatewayClassName": text, "listeners": st.lists(listener, max_size=3)},
        optional={"allowedListeners": some(namespaces=some(**{"from": text}))},
    ),
    status=parent_status,
)
listener_sets = obj(
    "ListenerSet",
    spec=st.fixed_dictionaries({"parentRef": parents, "listeners": st.lists(listener, min_size=1, max_size=2)}),
    status=parent_status,
)
