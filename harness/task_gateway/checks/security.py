"""Checks of security: sufficient rights, and no unintended access."""

import ipaddress
from collections.abc import Iterable, Sequence

from task_gateway.checks.base import DETERMINED, Finding, check
from task_gateway.checks.determined_rights import BY_ITS_OWN_ROLE, BY_THIS_CHART, EVERYWHERE, GROUP, NODES, Need
from task_gateway.checks.gateway import resolve
from task_gateway.checks.grants import ACCOUNT, grant
from task_gateway.errors import Forbidden
from task_gateway.inventory.snapshot import GatewaySnapshot
from task_gateway.model import Manifest
from task_gateway.routing import names, templates
from task_gateway.routing.strategies.traits import CLAIM

ACCESS_REVIEW = "authorization.k8s.io/v1"
POLICY, BINDING = (f"admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy{end}" for end in ("", "Binding"))

ALWAYS: tuple[Need, ...] = (("get", GROUP, "gateways", False),)
OF_DETERMINED: tuple[Need, ...] = (*BY_THIS_CHART, *BY_ITS_OWN_ROLE)
"""The rights of a Determined master, which creates its own objects if the chart has no templates for it."""


@check(
    "ITG0701", "the resource manager has all required rights", "{upgrade} "
    "--set-json 'rbac.subjects=[SUBJECTS]'", ("ITG0401",), each_namespace=True,
)  # fmt: skip
def rights(snapshot: GatewaySnapshot) -> Finding | None:
    """The user of the kubeconfig, or of `--as` and `--as-group`, lacks a right that the strategy requires. With the
    profile `determined` it lacks a right that a Determined master requires. An upgrade replaces the whole list
    rbac.subjects: the command has the present subjects and the new one. A Determined master requires the Role of this
    chart and the ClusterRole of the Determined chart. Without a right it exits at startup, or its tasks fail. Without
    rights on nodes it shows no nodes, which is a warning. See docs/determined.md. With operator.enabled, policies
    refuse claims and task labels of users without the right `claim` on `slots.task-gateway.dev`. The Role of the
    resource manager includes it. See docs/security.md."""
    try:
        ours = snapshot.profile != DETERMINED and (
            not snapshot.traits.like_determined or snapshot.objects.templates is not None
        )
        claim = (CLAIM,) if templates.requires_claim_right(snapshot.objects.chart) else ()
        needs = (*snapshot.traits.rights, *claim) if ours else OF_DETERMINED
        slot = snapshot.slots[0].service if snapshot.slots else ""
    except Forbidden as problem:
        return Finding(f"{problem.where} may not be read")
    named = {
        "gateways": snapshot.gateway.gateway_name,
        "configmaps": names.templates(snapshot.gateway.gateway_name),
        "services": slot,
    }
    missing = []
    for verb, group, resource, with_tasks in (*ALWAYS, *needs):
        namespace = snapshot.namespace if with_tasks else snapshot.gateway.gateway_namespace
        name = named.get(resource, "") if verb in ("get", "patch", "update") else ""
        if not _may(snapshot, verb, group, resource, namespace, name):
            missing.append(((verb, group, resource), f"{verb} {resource} in {namespace}"))
    if ours:
        return Finding(f"missing: {_denial(missing)}", fix=grant(snapshot)) if missing else None
    missing += [(each, f"{each[0]} {each[2]} in all namespaces") for each in EVERYWHERE if not _may(snapshot, *each)]
    nodes = [(each, f"{each[0]} {each[2]}") for each in NODES if not _may(snapshot, *each)]
    if not missing and not nodes:
        return None
    chart = {need[:3] for need in (*ALWAYS, *BY_THIS_CHART)}
    fix = grant(snapshot) if any(need in chart for need, _ in missing) else _bind(snapshot.user)
    return Finding(f"missing: {_denial([*missing, *nodes])}", warning=not missing, fix=fix)


@check(
    "ITG0702", "a public gateway only accepts named source ranges", "{upgrade} "
    "--set 'envoy.service.loadBalancerSourceRanges={{192.0.2.0/24}}'", ("ITG0401",),
)  # fmt: skip
def source_ranges(snapshot: GatewaySnapshot) -> Finding | None:
    """The address is public and the load balancer accepts every client. Anyone who can connect to a port reaches its
    task, which requires no login of the platform. In the fix, replace 192.0.2.0/24 by your source ranges."""
    public = [each for each in resolve(snapshot.gateway.gateway_ip) if ipaddress.ip_address(each).is_global]
    services = [each for each in snapshot.proxy.services if each["spec"].get("type") == "LoadBalancer"]
    opened = [each["metadata"]["name"] for each in services if not each["spec"].get("loadBalancerSourceRanges")]
    if not public or not opened:
        return None
    return Finding(f"{public[0]} is public and Service {', '.join(opened)} has no source ranges", warning=True)


@check(
    "ITG0703",
    "only task namespaces can attach routes",
    "{upgrade} --set routePolicy.enabled=true",
    ("ITG0401",),
)
def allowed_routes(snapshot: GatewaySnapshot) -> Finding | None:
    """A listener accepts routes from all namespaces. Anyone who may create a TCPRoute in any namespace can point a port
    at their own pod. The listeners of a Determined master always accept them. The value routePolicy.enabled rejects
    such routes for the whole Gateway. determined.yaml sets it."""
    if snapshot.objects.is_lane:
        return None  # the operator only follows the routes of the master's namespace
    parents = [each for each in (snapshot.objects.gateway, *snapshot.objects.listener_sets) if each is not None]
    found = [
        f"listener {each['name']} of {parent['kind']} {parent['metadata']['name']}"
        for parent in parents
        for each in parent["spec"].get("listeners") or []
        if ((each.get("allowedRoutes") or {}).get("namespaces") or {}).get("from") == "All"
    ]
    if not found or _routes_are_refused(snapshot):
        return None
    more = f", and {len(found) - 1} more" if len(found) > 1 else ""
    return Finding(f"{found[0]} accepts routes from all namespaces{more}", warning=True)


@check(
    "ITG0704", "the proxy's pods are restricted", "kubectl get pods --all-namespaces -o yaml -l {proxies}",
    ("ITG0409",),
)  # fmt: skip
def restricted(snapshot: GatewaySnapshot) -> Finding | None:
    """A container of the proxy may gain privileges, run as root, or keep capabilities. The Pod Security Standard
    `restricted` does not allow this."""
    found = [
        f"container {container['name']} of {each['metadata']['name']}"
        for each in snapshot.proxy.workloads
        for container in each["spec"]["template"]["spec"]["containers"]
        if not _is_restricted(container, each["spec"]["template"]["spec"])
    ]
    return Finding(", ".join(found), warning=True) if found else None


def _routes_are_refused(snapshot: GatewaySnapshot) -> bool:
    """Return whether the chart's policy on TCPRoutes is installed."""
    name = names.route_policy(snapshot.gateway.gateway_name, snapshot.gateway.gateway_namespace)
    return all(snapshot.kube.find(kind, name) is not None for kind in (POLICY, BINDING))


def _may(snapshot: GatewaySnapshot, verb: str, group: str, resource: str, namespace: str = "", name: str = "") -> bool:
    """Return whether the API server grants one right; an empty namespace means all namespaces."""
    resource, _, subresource = resource.partition("/")
    attributes = {"verb": verb, "group": group, "resource": resource, "namespace": namespace, "name": name}
    attributes |= {"subresource": subresource} if subresource else {}
    return bool(snapshot.kube.create(_review(attributes, snapshot.user, snapshot.groups))["status"]["allowed"])


def _denial(missing: Iterable[tuple[object, str]]) -> str:
    return ", ".join(words for _, words in missing)


def _bind(user: str) -> str:
    """Return the command that binds the ClusterRole of docs/determined.md to a user."""
    namespace, _, name = user.removeprefix(ACCOUNT).partition(":")
    account = user.startswith(ACCOUNT) and bool(name)
    subject = f"--serviceaccount={namespace}:{name}" if account else f"--user={user or 'NAME'}"
    return f"kubectl create clusterrolebinding determined-master --clusterrole=determined-master {subject}"


def _review(attributes: Manifest, user: str, groups: Sequence[str] = ()) -> Manifest:
    """Return the access review for a user or, if none is given, for the sender of the request."""
    kind = "SubjectAccessReview" if user else "SelfSubjectAccessReview"
    who = {"user": user, "groups": _groups(user, groups)} if user else {}
    spec = {"resourceAttributes": attributes, **who}
    return {"apiVersion": ACCESS_REVIEW, "kind": kind, "metadata": {}, "spec": spec}


def _groups(user: str, given: Sequence[str] = ()) -> list[str]:
    """Return the groups of a user as with `kubectl --as`: those given, else the groups of a ServiceAccount."""
    namespace, _, name = user.removeprefix(ACCOUNT).partition(":")
    account = user.startswith(ACCOUNT) and bool(name)
    own = ["system:serviceaccounts", f"system:serviceaccounts:{namespace}"] if account else []
    return ["system:authenticated", *(given or own)]


def _is_restricted(container: Manifest, pod: Manifest) -> bool:
    own, shared = container.get("securityContext") or {}, pod.get("securityContext") or {}
    return bool(
        own.get("allowPrivilegeEscalation") is False
        and own.get("runAsNonRoot", shared.get("runAsNonRoot"))
        and "ALL" in (own.get("capabilities") or {}).get("drop", [])
        and not pod.get("hostNetwork")
    )
