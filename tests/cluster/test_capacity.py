"""The predicted capacity is correct: each strategy is filled until the cluster refuses, and the tasks are counted."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest
from tests.cluster.conftest import GATEWAY, Installed

from task_gateway.crds.raise_limit import raise_to
from task_gateway.crds.restore import restore
from task_gateway.errors import TaskGatewayError
from task_gateway.inventory.target import GatewayTarget
from task_gateway.kube import helm
from task_gateway.kube.wait import condition, wait_for
from task_gateway.limits import capacity
from task_gateway.model import InternalTaskGateway, ManagerLimits, Manifest, ResourceManager, Task
from task_gateway.routing.strategies.base import STRATEGIES, Strategy
from task_gateway.settings import GATEWAY_PROGRAMMED, Wait

RELEASE = NAMESPACE = "fit"
SLOTS = 66  # more than one ListenerSet holds
FIRST = {"slots": 21000, "listeners": 23000}
RAISED = 213
STATUS_COMPLETE = Wait("status-complete", "the controller has written the status of every listener", 180)


@pytest.fixture(scope="module")
def roomy(installed: Installed, chart: Path) -> Iterator[Installed]:
    """A second gateway next to the session's, with slots in two ListenerSets."""
    address = installed.gateway.gateway_ip
    values = {
        "controller": {"install": False},
        "gateway": {"addresses": [address], "placeholderPort": 1026},
        "slots": [{"start": FIRST["slots"], "count": SLOTS}],
    }
    helm.install(installed.cluster, RELEASE, chart, NAMESPACE, values)
    wait_for(installed.kube, GATEWAY_PROGRAMMED, GATEWAY, RELEASE, NAMESPACE, condition("Programmed"))
    gateway = InternalTaskGateway(RELEASE, NAMESPACE, address, 1025, 65535)
    yield Installed(installed.cluster, installed.kube, gateway)
    helm.uninstall(installed.cluster, RELEASE, NAMESPACE)
    installed.kube.delete("v1/Namespace", NAMESPACE)


@pytest.fixture
def raised(roomy: Installed) -> Iterator[None]:
    """The Gateway CRD with the largest number of listeners that Gateway API's rules allow."""
    raise_to(roomy.kube, RAISED)
    yield
    restore(roomy.kube)


def with_range(roomy: Installed, strategy: str, count: int) -> InternalTaskGateway:
    first = FIRST[strategy]
    return InternalTaskGateway(RELEASE, NAMESPACE, roomy.gateway.gateway_ip, first, first + count - 1)


def limits(roomy: Installed, gateway: InternalTaskGateway, strategy: str) -> ManagerLimits:
    manager = ResourceManager("fit", "fit", default_namespace=NAMESPACE, internal_task_gateway=gateway)
    return capacity.assess_target(GatewayTarget(manager, roomy.kube), strategy)


def fill(strategy: Strategy) -> tuple[list[str], TaskGatewayError]:
    """Expose tasks until that is refused; return those that fit, and the refusal."""
    fitted: list[str] = []
    while True:
        task = f"fit-{len(fitted)}"
        try:
            strategy.expose(Task(task, NAMESPACE, (8080,)))
        except TaskGatewayError as refusal:
            return fitted, refusal
        fitted.append(task)


@contextmanager
def written(roomy: Installed, ports: range) -> Iterator[None]:
    """Write the listeners of many tasks at once. A Determined master writes them one by one, each in up to 2 s."""
    gateway = roomy.kube.get(GATEWAY, RELEASE, NAMESPACE)
    before = gateway["spec"]["listeners"]
    gateway["spec"]["listeners"] = before + [listener(port) for port in ports]
    roomy.kube.replace(gateway)
    yield
    roomy.kube.patch(GATEWAY, RELEASE, NAMESPACE, {"spec": {"listeners": before}})


def listener(port: int) -> Manifest:
    return {"name": f"det-{port}", "port": port, "protocol": "TCP"}


def fits(roomy: Installed, strategy: str, ports: int, already: int, status: Wait | None = None) -> ManagerLimits:
    """Fill a range of ports, of which `already` are written at once, and return the limits when it is full."""
    gateway = with_range(roomy, strategy, ports)
    first = FIRST[strategy]
    with written(roomy, range(first, first + already)) if already else nullcontext():
        filled = STRATEGIES.get(strategy)(roomy.kube, gateway, NAMESPACE)
        predicted = limits(roomy, gateway, strategy)
        fitted, refusal = fill(filled)
        try:
            assert already + len(fitted) == predicted.capacity, refusal
            if status is not None:
                wait_for(roomy.kube, status, GATEWAY, RELEASE, NAMESPACE, missing_status)
            full = limits(roomy, gateway, strategy)
        finally:
            for task in fitted:
                filled.release(task)
    assert limits(roomy, gateway, strategy).active == 0
    return full


@pytest.mark.parametrize(
    ("strategy", "ports", "already", "capacity"),
    [
        ("slots", 5, 0, 5),
        ("slots", 100, 0, SLOTS),
        ("listeners", 5, 0, 5),
        ("listeners", 100, 58, 63),
    ],
)
def test_as_many_tasks_fit_as_the_limits_say(
    roomy: Installed, strategy: str, ports: int, already: int, capacity: int
) -> None:
    full = fits(roomy, strategy, ports, already, STATUS_COMPLETE if already else None)
    assert (full.capacity, full.active, full.headroom) == (capacity, capacity, 0)


@pytest.mark.usefixtures("raised")
@pytest.mark.parametrize(
    ("strategy", "ports", "already", "capacity"),
    [("slots", 100, 0, SLOTS), ("listeners", 250, 209, RAISED - 1)],
)
def test_a_raised_crd_makes_room_for_listeners_alone(
    roomy: Installed, strategy: str, ports: int, already: int, capacity: int
) -> None:
    full = fits(roomy, strategy, ports, already, STATUS_COMPLETE if already else None)
    assert (full.capacity, full.active, full.headroom) == (capacity, capacity, 0)


def missing_status(gateway: Manifest | None) -> str | None:
    """Return which listeners the controller has not reported as programmed."""
    if gateway is None:
        return "it does not exist"
    wanted = {each["name"] for each in gateway["spec"]["listeners"]}
    done = {
        each["name"]
        for each in (gateway.get("status") or {}).get("listeners") or []
        if any(one["type"] == "Programmed" and one["status"] == "True" for one in each.get("conditions", []))
    }
    return f"{len(wanted - done)} of {len(wanted)} listeners are not Programmed" if wanted - done else None
