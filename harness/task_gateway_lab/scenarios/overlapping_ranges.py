"""Scenario: two masters use one gateway with overlapping port ranges; no port is assigned twice."""

from collections.abc import Iterator

from task_gateway import config
from task_gateway.deferred import concurrent
from task_gateway.errors import ConfigError, NoFreeSlot, ScenarioFailed
from task_gateway.model import Task
from task_gateway_lab.scenarios import runtime
from task_gateway_lab.scenarios.base import Scenario, ScenarioCase, Step, declare
from task_gateway_lab.scenarios.places import DEFAULT

MANAGER = "west"
FIRST, SECOND = "first", "second"


def fill_both_ranges(case: ScenarioCase) -> str:
    """Make two masters claim ports at the same time until neither finds a free one."""
    managed = case.environment.clusters[MANAGER]
    start, end = managed.block.gateway_port_range_start, managed.block.gateway_port_range_end
    third = (end - start) // 3
    masters = {
        FIRST: managed.connect(ports=(start, end - third)),
        SECOND: managed.connect(ports=(start + third, end)),
    }
    with concurrent.futures.ThreadPoolExecutor(len(masters)) as pool:
        taken = dict(zip(masters, pool.map(lambda each: list(_fill(case, *each)), masters.items()), strict=True))
    ports = sorted(taken[FIRST] + taken[SECOND])
    if ports != list(range(start, end + 1)):
        raise ScenarioFailed(f"the masters have {taken}: not each port of {start} to {end} once")
    return f"{FIRST} has {len(taken[FIRST])} ports, {SECOND} {len(taken[SECOND])}, none is the same"


def _fill(case: ScenarioCase, name: str, gateway: "runtime.TaskGateway") -> Iterator[int]:
    while True:
        task = Task(f"overlap-{name}-{len(case.state.setdefault(name, []))}", gateway.namespace, (8080,), name)
        case.state[name].append(task.id)
        case.cleanup.callback(gateway.release, task.id)
        try:
            (address,) = gateway.expose(task)
        except NoFreeSlot:
            return
        yield address.port


def validate_overlap(case: ScenarioCase) -> str:
    """Configure one master with both ranges, for two resource managers: its configuration is invalid."""
    environment = case.environment
    west = environment.clusters[MANAGER].kube
    try:
        config.parse(
            environment.master_text({MANAGER: west, "beside": west}, environment.clusters[DEFAULT].kube), "master.yaml"
        )
    except ConfigError as problem:
        return str(problem.problems[0])
    raise ScenarioFailed("a configuration with overlapping ranges is accepted")


declare(
    Scenario(
        name="overlapping_ranges",
        group="Configuration",
        sentence="Two masters with overlapping port ranges on one gateway never assign a port twice; in one master's "
        "configuration the overlap is rejected.",
        needs=("two gateways",),
        tags=("configuration", "limits"),
        alone=True,
        steps=(
            Step(
                "all ports taken by two masters at once",
                fill_both_ranges,
                f"task-gateway ls --kubeconfig ${MANAGER}_kubeconfig",
            ),
            Step("overlap in one configuration refused", validate_overlap, "task-gateway config validate master.yaml"),
        ),
    )
)
