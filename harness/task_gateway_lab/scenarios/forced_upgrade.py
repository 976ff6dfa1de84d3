"""Scenario: an upgrade replaces the Services of claimed slots; no port reaches another task."""

from dataclasses import replace
from typing import Any

from task_gateway.deferred import socket
from task_gateway.errors import CommandFailed, Forbidden, ScenarioFailed
from task_gateway.kube import helm
from task_gateway.kube.kinds import SERVICE
from task_gateway.polling import attempts
from task_gateway.routing import names
from task_gateway.settings import Wait
from task_gateway_lab.scenarios import runtime
from task_gateway_lab.scenarios.base import Scenario, ScenarioCase, Step, declare
from task_gateway_lab.scenarios.command_ports import dial_ports
from task_gateway_lab.scenarios.commands import addresses_of, run_command, run_for_gateway
from task_gateway_lab.scenarios.tasks import end, start

MANAGER, FIRST, SECOND, PORT = "east", "task-forced-1", "task-forced-2", 9000
BOTH = (FIRST, SECOND)
SECONDS, CHECK = 10.0, "ITG0508"
REPLACED = ("--reuse-values", "--server-side=false", "--force-replace")
WITHOUT = {"slotsPolicy": {"enabled": False}}
POLICY = Wait("policy-taken-up", "the API server applies a policy that was created or deleted", 60)
PAUSE_SECONDS = 0.5
UPGRADE = "helm upgrade $release internal-task-gateway -n $gateway_namespace"
OPTIONS = f"--gateway $gateway_namespace/$release --kubeconfig ${MANAGER}_kubeconfig"


def upgrade_with_policy(case: ScenarioCase) -> str:
    """Force an upgrade that replaces the slots' Services: the chart's policy refuses it, and both tasks answer."""
    managed = case.environment.clusters[MANAGER]
    _wait_for_policy(case, enforced=True)
    try:
        _upgrade(case)
    except CommandFailed as problem:
        if not any(f"{managed.namespace}/{_service(case, id)}" in problem.tail for id in BOTH):
            raise  # it failed for another reason: the policy names the Service of a claim
        if (reached := _reached(case)) != list(BOTH):
            raise ScenarioFailed(f"after the refused upgrade only {reached} answer") from problem
        return "the upgrade is refused, both tasks answer"
    raise ScenarioFailed("the forced upgrade was not refused", where=f"Gateway {'/'.join(_gateway(managed)[::-1])}")


def upgrade_without_policy(case: ScenarioCase) -> str:
    """Upgrade without the policy, wait until it is not enforced, then force an upgrade: both claims are lost."""
    managed = case.environment.clusters[MANAGER]
    case.cleanup.callback(case.environment.install, managed)
    case.environment.install(managed, WITHOUT)
    _wait_for_policy(case, enforced=False)
    _upgrade(case)
    kept = [each.task_id for each in managed.connect().exposed() if each.task_id in BOTH]
    if kept:
        raise ScenarioFailed(f"{', '.join(kept)} kept a claim, though its Service was replaced")
    reached = _reached(case)
    return f"no claim is left; {', '.join(reached) or 'no task'} still answers, no port reaches another task"


def find_lost_claims(case: ScenarioCase) -> str:
    """Run check and gc: both name the ports that reach a task without a claim."""
    managed = case.environment.clusters[MANAGER]
    found = _slots_lead(managed)
    if found["result"] != "error":
        raise ScenarioFailed(f"{CHECK} is {found['result']}, though two claims are lost", hint=found["fix"])
    repairs = run_for_gateway(managed, "gc", codes=(1,))["repairs"]
    missing = _ports(case) - {each["port"] for each in repairs if each["action"] == "close"}
    if missing:
        raise ScenarioFailed(f"gc does not name the ports {', '.join(map(str, sorted(missing)))}")
    return f"{CHECK}: {found['message']}"


def repair_claims(case: ScenarioCase) -> str:
    """Close the ports with one command, and expose both tasks again."""
    managed = case.environment.clusters[MANAGER]
    run_for_gateway(managed, "gc", "--apply")
    for id in BOTH:
        runtime.reach.wait_until_refused(case.state[id].address)
    if (found := _slots_lead(managed))["result"] != "ok":
        raise ScenarioFailed(f"after the repair {CHECK} is {found['result']}: {found['message']}", hint=found["fix"])
    for id in BOTH:
        again = addresses_of(run_for_gateway(managed, "expose", f"pod/{id}", "--port", str(PORT), "--wait"))
        case.state[id] = replace(case.state[id], addresses=again)
        case.facts[id.replace("-", "_")] = str(again[0])
    return ", ".join(f"{id} at {case.state[id].address}" for id in BOTH)


def is_own_or_closed(id: str, seen: str) -> bool:
    """Return whether a port reached its own task; False if it was closed. ScenarioFailed if it reached another task."""
    if seen not in ("", f"{id}:{PORT}"):
        raise ScenarioFailed(f"the port of {id} was answered by {seen}")
    return bool(seen)


def _reached(case: ScenarioCase) -> list[str]:
    """Return the tasks that answer at their ports; ScenarioFailed if a port reaches another task."""
    return [id for id in BOTH if is_own_or_closed(id, _greeting(case.state[id]))]


def _greeting(running: "runtime.RunningTask") -> str:
    """Return the first line from a task's port, empty if the port is closed."""
    address = running.address
    try:
        with socket.create_connection((address.host, address.port), SECONDS) as connection:
            return connection.makefile().readline().strip()
    except ConnectionError:
        return ""
    except TimeoutError:
        raise ScenarioFailed(f"the port of {running.id} neither answers nor is closed", where=str(address)) from None


def _ports(case: ScenarioCase) -> set[int]:
    return {case.state[id].address.port for id in BOTH}


def _slots_lead(managed: "runtime.ManagedCluster") -> dict[str, Any]:
    """Return the check that each slot selects its own task or none."""
    report = run_command(managed.kube.cluster, "check", codes=(0, 1))
    (found,) = [each for category in report["categories"] for each in category["checks"] if each["code"] == CHECK]
    return dict(found)


def _upgrade(case: ScenarioCase) -> None:
    environment, managed = case.environment, case.environment.clusters[MANAGER]
    namespace = managed.block.gateway_namespace
    helm.install(managed.kube.cluster, runtime.data()["release"], environment.spec.chart, namespace, arguments=REPLACED)


def _wait_for_policy(case: ScenarioCase, *, enforced: bool) -> None:
    """Return when the API server refuses, or accepts, the dry run of a claimed Service without its selector.

    It applies a policy a moment after the write, and no object reports when.
    """
    managed = case.environment.clusters[MANAGER]
    name = _service(case, FIRST)
    where = f"Service {managed.namespace}/{name}"
    if not any(_is_refused(managed, name) is enforced for _ in attempts(POLICY, PAUSE_SECONDS)):
        raise POLICY.timed_out(f"the policy is {'not ' if enforced else ''}enforced", where)


def _service(case: ScenarioCase, id: str) -> str:
    """Return the Service of the slot of a task."""
    managed = case.environment.clusters[MANAGER]
    labels = f"{names.slots_selector(*_gateway(managed))},{names.SLOT_LABEL}={case.state[id].address.port}"
    (slot,) = managed.kube.list(SERVICE, managed.namespace, labels)
    return str(slot["metadata"]["name"])


def _is_refused(managed: "runtime.ManagedCluster", name: str) -> bool:
    found = managed.kube.get(SERVICE, name, managed.namespace)
    spec = {key: value for key, value in found["spec"].items() if key != "selector"}
    try:
        managed.kube.replace(found | {"spec": spec}, dry_run=True)
    except Forbidden:
        return True
    return False


def _gateway(managed: "runtime.ManagedCluster") -> tuple[str, str]:
    return managed.block.gateway_name, managed.block.gateway_namespace


declare(
    Scenario(
        name="forced_upgrade",
        group="Operations",
        sentence="A forced upgrade is rejected while tasks run; without the policy, lost claims are found and fixed.",
        needs=("temporary clusters",),
        tags=("operations",),
        alone=True,
        steps=(
            start("command", MANAGER, FIRST),
            start("command", MANAGER, SECOND),
            Step("forced upgrade refused", upgrade_with_policy, f"{UPGRADE} {' '.join(REPLACED)}"),
            Step(
                "forced upgrade without the policy",
                upgrade_without_policy,
                f"{UPGRADE} --reuse-values --set slotsPolicy.enabled=false\n{UPGRADE} {' '.join(REPLACED)}",
            ),
            Step(
                "lost claims named",
                find_lost_claims,
                f"task-gateway check --kubeconfig ${MANAGER}_kubeconfig\ntask-gateway gc {OPTIONS}",
            ),
            Step(
                "ports closed, tasks exposed again",
                repair_claims,
                "\n".join(
                    f"task-gateway {each} {OPTIONS}"
                    for each in ("gc --apply", *(f"expose pod/{id} --port {PORT} --wait" for id in BOTH))
                ),
            ),
            dial_ports(FIRST, (PORT,)),
            dial_ports(SECOND, (PORT,)),
            end(FIRST),
            end(SECOND),
        ),
    )
)
