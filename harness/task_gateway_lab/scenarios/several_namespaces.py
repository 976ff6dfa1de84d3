"""Scenario: one gateway serves two task namespaces; `ls`, `gc` and `capacity` cover both."""

import json

from task_gateway import settings
from task_gateway.deferred import secrets
from task_gateway.errors import ScenarioFailed
from task_gateway.kube.kinds import POD
from task_gateway.kube.wait import wait_until_gone, wait_until_usable
from task_gateway.model import Task
from task_gateway_lab.scenarios import runtime
from task_gateway_lab.scenarios.base import Scenario, ScenarioCase, Step, declare
from task_gateway_lab.scenarios.command_ports import dial_ports
from task_gateway_lab.scenarios.commands import addresses_of, run_for_gateway
from task_gateway_lab.scenarios.places import PORTS
from task_gateway_lab.scenarios.tasks import start

MANAGER, FIRST, SECOND, PORT = "west", "task-first-namespace", "task-second-namespace", 9000
COUNT = 2
"""Slots of the second namespace."""
NAMESPACE = "v1/Namespace"
KUBECTL = f"kubectl --kubeconfig ${MANAGER}_kubeconfig"
COMMAND = f"task-gateway {{}} --gateway $gateway_namespace/$release --kubeconfig ${MANAGER}_kubeconfig"


def add_namespace(case: ScenarioCase) -> str:
    """Create a second task namespace, and upgrade the release with slots there."""
    managed, name = case.environment.clusters[MANAGER], _second(case)
    managed.kube.apply(runtime.manifests.namespace(name, runtime.manifests.RESTRICTED))
    case.cleanup.callback(managed.kube.delete, NAMESPACE, name)
    case.cleanup.callback(case.environment.install, managed)
    start = case.environment.spec.first_port + PORTS
    own = runtime.chart_values(managed.block, managed.namespace)["slots"]
    slots = [*own, {"namespace": name, "start": start, "count": COUNT}]
    case.facts |= {"second_namespace": name, "slots": json.dumps(slots, separators=(",", ":"))}
    return case.environment.install(managed, {"slots": slots})


def expose_pod(case: ScenarioCase) -> str:
    """Run a pod in the second namespace and expose it by name: the command finds the namespace."""
    managed, kind = case.environment.clusters[MANAGER], runtime.KINDS.get("command")
    task = Task(SECOND, _second(case), (PORT,))
    wait_until_usable(managed.kube, task.namespace)
    case.cleanup.callback(runtime.launcher.end_task, managed.kube, task)
    runtime.launcher.start_task(
        managed.kube, task, kind.pod(task, case.environment.spec.image), secrets.token_urlsafe(24)
    )
    found = run_for_gateway(managed, "expose", f"pod/{SECOND}", "--port", str(PORT), "--wait")
    if found["namespace"] != task.namespace:
        raise ScenarioFailed(f"expose took namespace {found['namespace']}, the pod is in {task.namespace}")
    running = runtime.RunningTask(SECOND, "command", MANAGER, "", addresses_of(found))
    case.state[SECOND] = running
    case.facts[SECOND.replace("-", "_")] = str(running.address)
    return f"{SECOND} in namespace {task.namespace} at {running.address}"


def list_tasks(case: ScenarioCase) -> str:
    """List the tasks and the limits: both cover both namespaces."""
    managed, wanted = case.environment.clusters[MANAGER], _wanted(case)
    listed = run_for_gateway(managed, "ls")["tasks"]
    seen = {each["task_id"]: each["namespace"] for each in listed if each["task_id"] in wanted}
    if seen != wanted:
        raise ScenarioFailed(f"ls lists {seen}, not {wanted}")
    found = run_for_gateway(managed, "limits")["resource_managers"][0]
    if not set(wanted.values()) <= set(found["namespaces"]):
        raise ScenarioFailed(f"limits covers {found['namespaces']}, not {sorted(wanted.values())}")
    if found["ports"]["total"] != PORTS + COUNT or found["active"] < len(wanted):
        raise ScenarioFailed(f"limits counts {found['active']} tasks and the ports {found['ports']}")
    return f"ls lists both; limits: {found['active']} of {found['capacity']}, {found['ports']['total']} ports"


def collect_claims(case: ScenarioCase) -> str:
    """Delete both pods: one command names both claims and frees them."""
    managed, wanted = case.environment.clusters[MANAGER], _wanted(case)
    for id, namespace in wanted.items():
        managed.kube.delete(POD, id, namespace)
        wait_until_gone(managed.kube, settings.POD_GONE, POD, id, namespace)
    words = ("gc", "--grace", "0", "--apply")
    repairs = run_for_gateway(managed, *words)["repairs"]
    freed = {each["task_id"]: each["namespace"] for each in repairs if each["done"]}
    if not wanted.items() <= freed.items():
        raise ScenarioFailed(f"gc freed {freed}, not {wanted}")
    left = [each["task_id"] for each in run_for_gateway(managed, "ls")["tasks"] if each["task_id"] in wanted]
    if left:
        raise ScenarioFailed(f"{', '.join(left)} is listed after gc")
    return f"gc freed {', '.join(f'{id} in {namespace}' for id, namespace in sorted(wanted.items()))}"


def _second(case: ScenarioCase) -> str:
    return f"{case.environment.spaces['tasks']}-second"


def _wanted(case: ScenarioCase) -> dict[str, str]:
    return {FIRST: case.environment.clusters[MANAGER].namespace, SECOND: _second(case)}


declare(
    Scenario(
        name="several_namespaces",
        group="Operations",
        sentence="One gateway serves two task namespaces; ls, limits and gc cover both.",
        needs=("temporary clusters", "two gateways"),
        tags=("operations",),
        alone=True,
        steps=(
            Step(
                "second task namespace",
                add_namespace,
                f"{KUBECTL} create namespace $second_namespace\n"
                "helm upgrade $release internal-task-gateway -n $gateway_namespace --reuse-values \\\n"
                "  --set-json 'slots=$slots'",
            ),
            start("command", MANAGER, FIRST),
            Step(
                "pod of the second namespace exposed",
                expose_pod,
                f"{KUBECTL} -n $second_namespace get pod {SECOND}\n"
                + COMMAND.format(f"expose pod/{SECOND} --port {PORT} --wait"),
            ),
            dial_ports(FIRST, (PORT,)),
            dial_ports(SECOND, (PORT,)),
            Step("ls and limits cover both", list_tasks, COMMAND.format("ls") + "\n" + COMMAND.format("limits")),
            Step(
                "gc frees both",
                collect_claims,
                f"{KUBECTL} -n $tasks_namespace delete pod {FIRST}\n"
                f"{KUBECTL} -n $second_namespace delete pod {SECOND}\n" + COMMAND.format("gc --grace 0 --apply"),
            ),
        ),
    )
)
