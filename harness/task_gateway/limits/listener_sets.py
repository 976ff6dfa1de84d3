"""ListenerSets: how many listeners one has, and how many of them a Gateway takes."""

from task_gateway.crds import schema
from task_gateway.limits.base import Finding, Found, Scope, limit
from task_gateway.limits.site import Site
from task_gateway.routing.gateway_api import allowed_from


@limit("listener-set-max-items", Scope.LISTENER_SET, "listeners of one ListenerSet: maxItems of its spec.listeners")
def items(site: Site) -> Finding:
    """Read the least of the served versions. More listeners go into more sets, hence it limits no tasks."""
    crd = site.listener_set_crd
    if crd is None:
        refused = 0 if site.strategy in ("slots", "listenersets") and not site.slots else None
        return Finding(0, refused, Found.READ, "install the CRDs of Gateway API v1.5.0 or later", "not served")
    numbers = [schema.max_items(crd, version, schema.SPEC_LISTENERS) for version in schema.served(crd)]
    value = min((number for number in numbers if number is not None), default=None)
    return Finding(value, None, Found.READ, "nothing: further listeners go into further ListenerSets")


@limit("listener-sets", Scope.GATEWAY, "ListenerSets of one Gateway")
def sets(site: Site) -> Finding:
    """Gateway API sets no bound; a Gateway that allows none takes none, and some controllers serve none."""
    if site.strategy == "listenersets" and not site.controller.listener_sets:
        advice = f"slots or listeners as the strategy: {site.controller.title} has no ListenerSets"
        return Finding(0, 0, Found.DOCUMENTED, advice)
    if site.strategy == "listenersets" and allowed_from(site.spec) == "None":
        return Finding(0, 0, Found.READ, "set spec.allowedListeners.namespaces.from of the Gateway to Same")
    return Finding(None, None, Found.DOCUMENTED, "nothing: Gateway API sets no bound")
