"""In existing clusters no object of others is changed, and all created objects are removed."""

from pathlib import Path
from typing import Any, cast

import pytest

from task_gateway.controllers.contour import CONTOUR
from task_gateway.controllers.envoy_gateway import ENVOY_GATEWAY
from task_gateway.errors import AlreadyExists, ClusterExists, ScenarioFailed, UsageError
from task_gateway.kube import helm
from task_gateway.kube.client import Kube
from task_gateway.kube.kinds import SERVICE
from task_gateway.model import Cluster, Manifest
from task_gateway_lab.scenarios.borrowed import BorrowedClusters

SPACES = {"master": "run-master", "tasks": "run-tasks", "gateway": "run-gateway"}
HOST = "192.0.2.7"


class Theirs:
    """A cluster with some namespaces, Services and GatewayClasses of somebody else."""

    server = "https://theirs"

    def __init__(self, *namespaces: str, services: list[Manifest] | None = None, classes: tuple[str, ...] = ()) -> None:
        self.cluster = Cluster("theirs", "existing", Path("kubeconfig"), "theirs")
        self.namespaces = list(namespaces)
        self._services = services or []
        self._classes = classes

    def create(self, obj: Manifest) -> None:
        name = obj["metadata"]["name"]
        if name in self.namespaces:
            raise AlreadyExists(f"{name} exists", where=self.server)
        self.namespaces.append(name)

    def delete(self, kind: str, name: str, namespace: str | None = None) -> None:
        self.namespaces.remove(name)

    def list(self, kind: str) -> list[Manifest]:
        if kind == SERVICE:
            return self._services
        return [{"metadata": {"name": "theirs"}, "spec": {"controllerName": each}} for each in self._classes]

    def served(self, kind: str) -> bool:
        return False


def service(namespace: str, port: int, labels: dict[str, str] | None = None, **where: Any) -> Manifest:
    return {
        "metadata": {"name": "web", "namespace": namespace, "labels": labels or {}},
        "spec": {"ports": [{"port": port}], "externalIPs": where.get("external", [])},
        "status": {"loadBalancer": {"ingress": [{"ip": each} for each in where.get("balanced", [])]}},
    }


@pytest.fixture
def uninstalled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The namespaces in which a release was uninstalled."""
    found: list[str] = []
    monkeypatch.setattr(helm, "uninstall", lambda cluster, release, namespace: found.append(namespace))
    monkeypatch.setattr("task_gateway_lab.scenarios.borrowed.wait_until_gone", lambda *_: None)
    return found


def connected(monkeypatch: pytest.MonkeyPatch, *clusters: Theirs) -> BorrowedClusters:
    known = {str(number): each for number, each in enumerate(clusters)}
    monkeypatch.setattr("task_gateway.inventory.target.connect", lambda kubeconfig, context: known[context])
    made = BorrowedClusters(SPACES, "release")
    made.connect(list(known))
    return made


def test_what_was_made_is_given_back_and_no_more(monkeypatch: pytest.MonkeyPatch, uninstalled: list[str]) -> None:
    theirs = Theirs("default", "apps")
    made = connected(monkeypatch, theirs)
    assert made.made
    assert set(theirs.namespaces) == {"default", "apps", *SPACES.values()}
    made.give_back()
    assert theirs.namespaces == ["default", "apps"]
    assert uninstalled == ["run-gateway"]


def test_a_namespace_that_is_there_is_neither_used_nor_removed(
    monkeypatch: pytest.MonkeyPatch, uninstalled: list[str]
) -> None:
    theirs = Theirs("run-gateway")
    monkeypatch.setattr("task_gateway.inventory.target.connect", lambda kubeconfig, context: theirs)
    made = BorrowedClusters(SPACES, "release")
    with pytest.raises(ClusterExists, match="run-gateway already exists"):
        made.connect(["theirs"])
    made.give_back()
    assert theirs.namespaces == ["run-gateway"]
    assert uninstalled == []


def test_a_removal_that_fails_hinders_no_other(monkeypatch: pytest.MonkeyPatch, uninstalled: list[str]) -> None:
    def fails(*_: object) -> None:
        raise ScenarioFailed("helm is ill")

    theirs = Theirs()
    made = connected(monkeypatch, theirs)
    monkeypatch.setattr(helm, "uninstall", fails)
    with pytest.raises(ScenarioFailed, match="helm is ill"):
        made.give_back()
    assert theirs.namespaces == []


@pytest.mark.parametrize(
    ("found", "taken"),
    [
        (service("apps", 20003, external=[HOST]), True),
        (service("apps", 20003, balanced=[HOST]), True),
        (service("apps", 20003, external=["192.0.2.8"]), False),
        (service("apps", 30000, external=[HOST]), False),
        (service("run-gateway", 20003, external=[HOST]), False),
        (service("controllers", 20003, {ENVOY_GATEWAY.proxy_labels[1]: "run-gateway"}, external=[HOST]), False),
    ],
)
def test_a_port_of_somebody_else_is_refused(found: Manifest, taken: bool) -> None:
    kube = cast(Kube, Theirs(services=[found]))
    lender = BorrowedClusters(SPACES, "release")
    if not taken:
        lender.require_ports(kube, HOST, range(20000, 20016))
        return
    with pytest.raises(UsageError, match=f"Service apps/web already uses port 20003 of {HOST}") as told:
        lender.require_ports(kube, HOST, range(20000, 20016))
    assert "--first-port" in (told.value.hint or "")


def test_a_second_controller_of_one_name_is_seen() -> None:
    kube = cast(Kube, Theirs(classes=("gateway.envoyproxy.io/gatewayclass-controller",)))
    lender = BorrowedClusters(SPACES, "release")
    assert lender.has_controller(kube, ENVOY_GATEWAY)
    assert not lender.has_controller(kube, CONTOUR)


def test_crds_are_the_users_to_install() -> None:
    with pytest.raises(UsageError, match="does not serve Gateway API") as told:
        BorrowedClusters(SPACES, "release").require_crds(cast(Kube, Theirs()))
    assert "gateway-api-crds" in (told.value.hint or "")
