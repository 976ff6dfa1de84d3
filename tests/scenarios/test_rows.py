"""A deliberate fault fails exactly the rows that depend on it, each with a cause that names the fault."""

import io
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from rich.console import Console

from task_gateway import images
from task_gateway.controllers import base as controllers
from task_gateway.kube.kubectl import kubectl
from task_gateway.kube.wait import wait_for
from task_gateway.model import Cluster
from task_gateway.routing.gateway_api import not_accepted, route_kind
from task_gateway.settings import Wait
from task_gateway_lab.master.managed_cluster import ManagedCluster
from task_gateway_lab.model_bugbash import ScenarioResult, Status
from task_gateway_lab.scenarios.base import SCENARIOS
from task_gateway_lab.scenarios.environment import Environment, EnvironmentSpec
from task_gateway_lab.scenarios.runner import run_all
from task_gateway_lab.scenarios.steps import StepRecorder, TerminalReporter

SELECTED = ("command_port", "task_killed", "several_ports", "without_gateway")
ROUTES_TAKEN_UP = Wait("routes-taken-up", "the controller accepts the route before the next fault", 120)
ON_EAST = {"command_port", "task_killed"}
"""The other scenarios use west and the master's own cluster."""


@pytest.fixture(scope="module", params=controllers.names())
def environment(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    controller = controllers.CONTROLLERS.get(request.param)
    dist = Path(__file__).parents[2] / "dist"
    (chart,), (crds,) = dist.glob("internal-task-gateway-*.tgz"), dist.glob("gateway-api-crds-*.tgz")
    name = f"test-rows-{controller.name}-{os.getpid()}"
    made = Environment(EnvironmentSpec(name, chart, crds, images.load().notebook, controller=controller))
    with made.running(StepRecorder(TerminalReporter(Console())), tmp_path_factory.mktemp("evidence")):
        yield made


@pytest.fixture(autouse=True)
def mended(environment: Environment) -> Iterator[None]:
    """Install the chart in east again, which restores what a test removed."""
    yield
    kubectl(
        east(environment),
        "scale",
        "deployment",
        "--namespace",
        environment.spaces["gateway"],
        "--all",
        "--replicas",
        "1",
    )
    managed = environment.clusters["east"]
    environment.install(managed)
    kind, names = routes(managed)
    for name in names:
        wait_for(managed.kube, ROUTES_TAKEN_UP, kind, name, managed.namespace, not_accepted)


def routes(managed: ManagedCluster) -> tuple[str, list[str]]:
    """Return the kind of the routes of a gateway, and their names."""
    kind = route_kind(managed.kube)
    assert kind is not None
    return kind, [each["metadata"]["name"] for each in managed.kube.list(kind, managed.namespace)]


def east(environment: Environment) -> Cluster:
    return environment.clusters["east"].kube.cluster


def rows(environment: Environment, folder: Path, names: Sequence[str] = SELECTED) -> dict[str, ScenarioResult]:
    def watcher(_: object) -> TerminalReporter:
        return TerminalReporter(Console(file=io.StringIO()))

    chosen = [SCENARIOS.get(name) for name in names]
    return {row.name: row for row in run_all(chosen, environment, folder, watcher, parallel=len(chosen))}


def broken(environment: Environment, folder: Path, *, cause: str, seen: Callable[[Path], bool]) -> None:
    """Run the rows: those on east fail with the cause, and their evidence shows it; the others pass."""
    found = rows(environment, folder)
    assert {name for name, row in found.items() if row.status == Status.FAILED} == ON_EAST
    assert {name for name, row in found.items() if row.status == Status.PASSED} == set(SELECTED) - ON_EAST
    for name in ON_EAST:
        assert cause in found[name].cause
        kept = [folder / each for each in found[name].evidence]
        assert cause in (folder / name / "error.txt").read_text()
        assert seen(next(each.parent for each in kept if each.parent.name == east(environment).name))


def test_nothing_broken(environment: Environment, tmp_path: Path) -> None:
    """Nothing fails: all rows pass, and a notebook in another cluster opens in a browser."""
    names = (*SELECTED, "notebooks_everywhere")
    found = {name: row.status for name, row in rows(environment, tmp_path, names).items()}
    assert found == dict.fromkeys(names, Status.PASSED)


def test_routes_deleted(environment: Environment, tmp_path: Path) -> None:
    """The TCPRoutes of a cluster are deleted: exactly its rows fail, and name the missing route."""
    managed = environment.clusters["east"]
    kind, names = routes(managed)
    for name in names:
        managed.kube.delete(kind, name, managed.namespace)
    broken(
        environment,
        tmp_path,
        cause=f"TCPRoute {managed.namespace}/task-gateway-slot-",
        seen=lambda folder: "task-gateway-slot" not in (folder / "tcproute.yaml").read_text(),
    )


def test_proxy_away(environment: Environment, tmp_path: Path) -> None:
    """Controller and proxy of a cluster are scaled to 0: exactly its rows fail, and name the Gateway."""
    inside = ("--namespace", environment.spaces["gateway"])
    controller, proxy = environment.facts["controller_labels"], environment.facts["proxy_labels"]
    for labels in (controller, proxy):
        kubectl(east(environment), "scale", "deployment", *inside, "-l", labels, "--replicas", "0")
    kubectl(east(environment), "delete", "pods", *inside, "-l", proxy, "--force", "--grace-period", "0")
    broken(
        environment,
        tmp_path,
        cause="no pod of its proxy serves the port",
        seen=lambda folder: "SuccessfulDelete" in (folder / "events.txt").read_text(),
    )


def test_role_revoked(environment: Environment, tmp_path: Path) -> None:
    """The Role of a resource manager is revoked: exactly its rows fail, and name the missing right."""
    kubectl(east(environment), "delete", "rolebindings", "--namespace", environment.spaces["tasks"], "--all")
    broken(
        environment,
        tmp_path,
        cause='cannot list resource "services"',
        seen=lambda folder: "Forbidden" in (folder.parent / "error.txt").read_text(),
    )
