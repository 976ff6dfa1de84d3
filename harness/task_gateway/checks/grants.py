"""Builds the command that grants a user the rights of a resource manager and keeps those of other users."""

import json

from task_gateway.checks.base import fill
from task_gateway.errors import ApiError
from task_gateway.inventory.snapshot import GatewaySnapshot
from task_gateway.model import Manifest
from task_gateway.routing import names

ACCOUNT = "system:serviceaccount:"
ROLE_BINDING = "rbac.authorization.k8s.io/v1/RoleBinding"
SELF = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview", "metadata": {}}


def grant(snapshot: GatewaySnapshot) -> str:
    """Return the upgrade that adds the user to the chart's subjects and keeps the present ones.

    These are `rbac.subjects` or, for a lane, those of the master. If they may not be read, return a command that shows
    them, because an upgrade replaces the whole list.
    """
    name, namespace = names.resource_manager(snapshot.gateway.gateway_name), snapshot.gateway.gateway_namespace
    try:
        bound = snapshot.kube.find(ROLE_BINDING, name, namespace)
    except ApiError:
        return f"kubectl get rolebinding {name} --namespace {namespace} --output jsonpath='{{.subjects}}'"
    subjects = [_value(each) for each in (bound or {}).get("subjects") or []]
    added = subject(snapshot.user or _self(snapshot))
    if added not in subjects:
        subjects.append(added)
    value = "operator.determined.subjects" if snapshot.objects.is_lane else "rbac.subjects"
    return f"{fill('{upgrade}', snapshot)} --set-json '{value}={json.dumps(subjects)}'"


def subject(user: str) -> Manifest:
    """Return a user, by its name in the API server, as an entry of the chart's `rbac.subjects`."""
    namespace, _, name = user.removeprefix(ACCOUNT).partition(":")
    if user.startswith(ACCOUNT) and name:
        return {"kind": "ServiceAccount", "name": name, "namespace": namespace}
    return {"kind": "User", "name": user}


def _value(bound: Manifest) -> Manifest:
    return {key: bound[key] for key in ("kind", "name", "namespace") if bound.get(key)}


def _self(snapshot: GatewaySnapshot) -> str:
    """Return the user of the kubeconfig, NAME if the API server does not report it."""
    try:
        return str(snapshot.kube.create(SELF)["status"]["userInfo"]["username"])
    except (ApiError, KeyError):
        return "NAME"
