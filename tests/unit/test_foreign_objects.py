"""Objects with any content from any client: readers only raise errors of this project."""

from contextlib import suppress
from datetime import UTC, datetime

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit import foreign
from tests.unit.memory import QUOTA, Memory

from task_gateway.checks import gateway as gateway_checks
from task_gateway.checks import routing, security
from task_gateway.errors import NotFound, TaskGatewayError
from task_gateway.inventory.snapshot import GatewaySnapshot
from task_gateway.inventory.target import GatewayTarget
from task_gateway.kube import services as service_reader
from task_gateway.kube.kinds import ENDPOINT_SLICE, POD, SERVICE
from task_gateway.kube.quantity import whole
from task_gateway.kube.wait import condition
from task_gateway.limits.base import LIMITS
from task_gateway.model import InternalTaskGateway, Manifest, ResourceManager, Task
from task_gateway.report import tasks
from task_gateway.routing import claims, endpoints, gateway_api, live, table
from task_gateway.routing.gateway_api import not_so, reported_parents
from task_gateway.routing.leftovers import Inventory
from task_gateway.routing.parents import listeners_of
from task_gateway.routing.strategies.base import STRATEGIES

NOW = datetime(2026, 3, 4, tzinfo=UTC)
GATEWAY = InternalTaskGateway("gw", "ns", "192.0.2.7", 2000, 2009)
CLUSTER_ONLY = ("cel-run-time-cost", "cel-static-cost", "service-addresses")
"""Limits that ask the API server for more than a GatewaySnapshot has."""
CHECKS = (
    routing.foreign, routing.reserved, routing.leaked_claims,
    routing.leaked_objects, routing.selectors, routing.complete, routing.accepted, routing.ready, routing.in_use,
    gateway_checks.exists, gateway_checks.accepted, gateway_checks.programmed, gateway_checks.node_ports,
    gateway_checks.listeners, gateway_checks.current, gateway_checks.rivals, security.source_ranges,
    security.allowed_routes,
)  # fmt: skip


@given(foreign.services)
def test_services(service: Manifest) -> None:
    claim = claims.parse(service)
    if claim is not None:
        shown = claims.exposure(claim, "ns", "listeners", "192.0.2.7")
        assert tasks.terminal([shown], NOW).row_count == 1
        assert claims.task(claim, "ns").id == claim.task
    slot = table.parse(service)
    if slot is not None:
        assert table.agrees(slot) in (True, False)
        table.parse_time(slot.claimed_at)
        table.resting(slot, NOW, 30)
        for write in (
            table.release(slot, NOW),
            table.close(slot, NOW),
            table.claim(slot, Task("t", "ns", (1,)), 1, NOW),
        ):
            assert write["metadata"]["resourceVersion"] == slot.resource_version
    service_reader.ports_at(service, "192.0.2.7", range(2000, 2010))


@given(foreign.pods, foreign.jobs, foreign.slices)
def test_pods_jobs_and_endpoints(pod: Manifest, job: Manifest, slice: Manifest) -> None:
    live.ids([pod], [job])
    condition("Ready")(pod)
    for found in endpoints.by_service([slice]).values():
        assert endpoints.words(found) is not None


@given(foreign.routes, st.sampled_from(["", "own"]))
def test_routes(route: Manifest, controller: str) -> None:
    not_so(reported_parents(route, controller), "Accepted")
    if "task-gateway.dev/task" in route["metadata"].get("labels", {}):  # the selector that they are read by
        Inventory([], [route], []).orphans(NOW)


@given(foreign.odd)
def test_quantities(quantity: str) -> None:
    assert whole(quantity) is None or isinstance(whole(quantity), int)


@given(foreign.gateways, foreign.listener_sets)
def test_listeners(gateway: Manifest, listener_set: Manifest) -> None:
    for each in (gateway, listener_set):
        assert len(listeners_of(each, GATEWAY)) == len(each["spec"]["listeners"])


class Foreign(Memory):
    """Returns all objects of a kind, whatever their names, namespaces and labels are."""

    def __init__(self, found: dict[str, list[Manifest]]) -> None:
        super().__init__()
        self.found = found

    def get(self, kind: str, name: str, namespace: str | None = None) -> Manifest:
        for each in self.found.get(kind, []):
            return each
        raise NotFound(f"there is no {kind} {namespace}/{name}", status=404)

    def list(self, kind: str, namespace: str | None = None, labels: str = "") -> list[Manifest]:
        return self.found.get(kind, [])


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(
    gateway=foreign.gateways,
    sets=st.lists(foreign.listener_sets, max_size=1),
    services=st.lists(foreign.services, max_size=3),
    pods=st.lists(foreign.pods, max_size=2),
    routes=st.lists(foreign.routes, max_size=2),
    quotas=st.lists(foreign.quotas, max_size=2),
    slices=st.lists(foreign.slices, max_size=2),
    strategy=st.sampled_from(STRATEGIES.names()),
    class_name=st.sampled_from(["", "gateway.envoyproxy.io/x", "projectcontour.io/x", "example.com/x"]),
)
def test_checks_and_limits(
    gateway: Manifest,
    sets: list[Manifest],
    services: list[Manifest],
    pods: list[Manifest],
    routes: list[Manifest],
    quotas: list[Manifest],
    slices: list[Manifest],
    strategy: str,
    class_name: str,
) -> None:
    class_ = {"metadata": {"name": "klass"}, "spec": {"controllerName": class_name}}
    kube = Foreign(
        {
            gateway_api.GATEWAY: [gateway], gateway_api.GATEWAY_CLASS: [class_], gateway_api.LISTENER_SET: sets,
            gateway_api.ROUTES[0]: routes, SERVICE: services, POD: pods, ENDPOINT_SLICE: slices, QUOTA: quotas,
        }
    )  # fmt: skip
    manager = ResourceManager("east", "east", default_namespace="ns", internal_task_gateway=GATEWAY)
    snapshot = GatewaySnapshot(GatewayTarget(manager, kube), strategy)
    for rule in LIMITS:
        if rule.id not in CLUSTER_ONLY:
            found = rule.limit_at(snapshot)
            assert (found.value or 0) >= 0
            assert (found.tasks or 0) >= 0
    for look in CHECKS:
        with suppress(TaskGatewayError):
            look(snapshot)
