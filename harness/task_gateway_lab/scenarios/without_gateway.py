"""Scenario: a resource manager without internal_task_gateway; the master connects to the pods of its tasks."""

from task_gateway.errors import ScenarioFailed
from task_gateway.kube.kinds import POD, SERVICE
from task_gateway.model import TASK_LABEL
from task_gateway_lab.scenarios import runtime
from task_gateway_lab.scenarios.base import Scenario, ScenarioCase, Step, declare
from task_gateway_lab.scenarios.places import DEFAULT
from task_gateway_lab.scenarios.tasks import cell, end, start

ID = "notebook-direct"


def compare_address(case: ScenarioCase) -> str:
    """Compare the address with that of the pod, and check that no Service was created for it."""
    running: runtime.RunningTask = case.state[ID]
    managed = case.environment.clusters[DEFAULT]
    pod = managed.kube.get(POD, ID, managed.namespace)["status"]["podIP"]
    made = [each["metadata"]["name"] for each in managed.kube.list(SERVICE, managed.namespace, f"{TASK_LABEL}={ID}")]
    if running.address.host != pod or made:
        raise ScenarioFailed(f"the task is at {running.address}, its pod at {pod}, with Services {made}")
    return f"{running.address} is the pod's own address"


declare(
    Scenario(
        name="without_gateway",
        group="Notebooks",
        sentence="Without internal_task_gateway the master connects directly to the pods of tasks, as before.",
        tags=("notebook",),
        steps=(
            start("notebook", DEFAULT, ID),
            Step(
                "the address is the pod's own",
                compare_address,
                f"kubectl --kubeconfig $default_kubeconfig -n $tasks_namespace get pod {ID} -o wide",
            ),
            cell(ID),
            end(ID),
        ),
    )
)
