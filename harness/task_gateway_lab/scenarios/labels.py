"""Steps with a notebook that the operator exposes: its user sets a label, and no master is involved."""

from task_gateway import settings
from task_gateway.deferred import secrets
from task_gateway.kube.kinds import POD
from task_gateway.kube.wait import condition, wait_for, wait_until_gone
from task_gateway.model import Address, Task
from task_gateway.polling import attempts
from task_gateway.routing import names
from task_gateway_lab.scenarios import runtime
from task_gateway_lab.scenarios.base import ScenarioCase, Step
from task_gateway_lab.scenarios.tasks import note_refused

KIND = "notebook"
EXPOSED = settings.Wait("exposed", "the operator has written the address to the pod", 60)
FREED = settings.Wait("freed", "the operator has freed the slot", 60)


def create(manager: str, id: str) -> Step:
    """Create a notebook's pod with the operator's label, and read its address from the pod."""

    def do(case: ScenarioCase) -> str:
        managed, kind, token = case.environment.clusters[manager], runtime.KINDS.get(KIND), secrets.token_urlsafe(24)
        task = Task(id, managed.namespace, kind.ports)
        pod = runtime.manifests.labelled(kind.pod(task, case.environment.spec.image), task.port)
        case.facts["notebook_port"] = str(task.port)
        case.cleanup.callback(_remove, managed, task)
        runtime.launcher.start_task(managed.kube, task, pod, token)
        found = wait_for(managed.kube, EXPOSED, POD, id, managed.namespace, condition(names.EXPOSED))
        address = Address.parse(found["metadata"]["annotations"][names.ADDRESS])
        url = f"http://{address}{runtime.manifests.base_url(id)}"
        case.state[id] = runtime.RunningTask(id, KIND, manager, "", (address,), f"token {token}", id, url)
        case.facts[id.replace("-", "_")] = str(address)
        return f"{id} on {manager} at {address}"

    hand = f"""kubectl --kubeconfig ${manager}_kubeconfig --namespace $tasks_namespace run {id} --image $image \\
    --labels {names.EXPOSE}=$notebook_port
kubectl --kubeconfig ${manager}_kubeconfig --namespace $tasks_namespace wait pod/{id} --for condition={names.EXPOSED}
kubectl --kubeconfig ${manager}_kubeconfig --namespace $tasks_namespace get pod {id} --output yaml"""
    return Step(f"{manager}: {KIND} {id} exposed by a label", do, hand)


def delete(manager: str, id: str) -> Step:
    """Delete the pod, and check that its address does not answer and that its slot is free."""

    def do(case: ScenarioCase) -> str:
        running, managed = case.state[id], case.environment.clusters[manager]
        _remove(managed, Task(id, managed.namespace, ()))
        seen = runtime.reach.wait_until_refused(running.address)
        held = []
        for _ in attempts(FREED):
            held = [each for each in managed.connect().exposed() if each.address == running.address]
            if not held:
                note_refused(case, id)
                return f"{running.address} {seen.value}; its slot is free"
        raise FREED.timed_out(f"task {held[0].task_id} has port {held[0].port}", str(running.address))

    hand = f"""kubectl --kubeconfig ${manager}_kubeconfig --namespace $tasks_namespace delete pod {id}
task-gateway ls --kubeconfig ${manager}_kubeconfig"""
    return Step(f"{id} deleted, nothing answers there and its slot is free", do, hand)


def _remove(managed: "runtime.ManagedCluster", task: Task) -> None:
    runtime.launcher.end_task(managed.kube, task)
    wait_until_gone(managed.kube, settings.POD_GONE, POD, task.id, managed.namespace)
