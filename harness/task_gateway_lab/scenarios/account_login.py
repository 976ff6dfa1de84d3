"""Scenario: the commands run as the ServiceAccount that the chart's Role is bound to; errors name a missing right."""

from dataclasses import replace
from pathlib import Path

from task_gateway.errors import ScenarioFailed
from task_gateway.model import Cluster
from task_gateway_lab.master import identity
from task_gateway_lab.scenarios.base import Scenario, ScenarioCase, Step, declare
from task_gateway_lab.scenarios.command_ports import dial_ports
from task_gateway_lab.scenarios.commands import addresses_of, run_command
from task_gateway_lab.scenarios.places import DEFAULT
from task_gateway_lab.scenarios.tasks import end, start

MANAGER, ID, PORT = "east", "task-of-account", 9000
STRANGER, ACCOUNT_KIND = "account-without-role", "v1/ServiceAccount"
CHOSEN = ("--config", "master.yaml", "--gateway", MANAGER)
OPTIONS = f"{' '.join(CHOSEN)} --kubeconfig login.kubeconfig"
TOKEN = f"""kubectl --kubeconfig ${MANAGER}_kubeconfig config view --minify --raw --flatten > login.kubeconfig
TOKEN=$(kubectl --kubeconfig ${MANAGER}_kubeconfig -n $tasks_namespace create token {{}})
kubectl --kubeconfig login.kubeconfig config set-credentials login --token=$TOKEN
kubectl --kubeconfig login.kubeconfig config set-context --current --user=login"""


def log_in(case: ScenarioCase) -> str:
    """Write a kubeconfig with a token of the ServiceAccount, and the master's configuration."""
    case.state["login"] = _kubeconfig(case, identity.NAME)
    environment = case.environment
    others = {name: managed.kube for name, managed in environment.clusters.items() if name != DEFAULT}
    file = case.folder / CHOSEN[1]
    file.write_text(environment.master_text(others, environment.clusters[DEFAULT].kube))
    case.state["config"] = file
    return f"ServiceAccount {environment.spaces['tasks']}/{identity.NAME}"


def use_every_command(case: ScenarioCase) -> str:
    """Run every command that a resource manager needs: release, expose, ls, limits, gc."""
    words, cluster = _chosen(case), case.state["login"]
    run_command(cluster, "release", ID, *words)
    found = run_command(cluster, "expose", f"pod/{ID}", "--port", str(PORT), "--wait", *words)
    case.state[ID] = replace(case.state[ID], addresses=addresses_of(found))
    case.facts[ID.replace("-", "_")] = str(case.state[ID].address)
    listed = [each["task_id"] for each in run_command(cluster, "ls", *words)["tasks"]]
    if ID not in listed:
        raise ScenarioFailed(f"ls lists {listed}, {ID} is not among them")
    fits = run_command(cluster, "limits", *words)["resource_managers"][0]["capacity"]
    skipped = run_command(cluster, "gc", *words, codes=(0, 1))["skipped"]
    if skipped:
        raise ScenarioFailed(f"gc may not read {skipped[0]['where']}: {skipped[0]['reason']}")
    return f"{ID} at {case.state[ID].address}; {len(listed)} ports listed, {fits} tasks fit, gc skips nothing"


def use_without_role(case: ScenarioCase) -> str:
    """Run a command as a ServiceAccount without a Role: the error is Forbidden and names the permission."""
    managed = case.environment.clusters[MANAGER]
    managed.kube.apply(identity.account(managed.namespace, STRANGER))
    case.cleanup.callback(managed.kube.delete, ACCOUNT_KIND, STRANGER, managed.namespace)
    cluster = _kubeconfig(case, STRANGER)
    error = run_command(cluster, "expose", f"pod/{ID}", "--port", str(PORT), *_chosen(case), codes=(1,))["error"]
    if error["type"] != "Forbidden" or STRANGER not in error["message"]:
        raise ScenarioFailed(f"the error is not Forbidden for {STRANGER}: {error['type']}: {error['message']}")
    return str(error["message"])


def _chosen(case: ScenarioCase) -> tuple[str, ...]:
    return (CHOSEN[0], str(case.state["config"]), *CHOSEN[2:])


def _kubeconfig(case: ScenarioCase, account: str) -> Cluster:
    """Return the cluster with the permissions of an account; the file has a token and is deleted at the end."""
    managed = case.environment.clusters[MANAGER]
    case.folder.mkdir(parents=True, exist_ok=True)
    file: Path = case.folder / f"{account}.kubeconfig"
    case.cleanup.callback(file.unlink, missing_ok=True)
    return identity.act_as(managed.kube, managed.namespace, file, account).cluster


declare(
    Scenario(
        name="account_login",
        group="Operations",
        sentence="Commands run with the token of a ServiceAccount that has the chart's Role; a missing right is named.",
        tags=("operations", "security"),
        steps=(
            start("command", MANAGER, ID),
            Step("login with a token", log_in, TOKEN.format(identity.NAME)),
            Step(
                "commands run as the ServiceAccount",
                use_every_command,
                "\n".join(
                    f"task-gateway {each} {OPTIONS}"
                    for each in (f"release {ID}", f"expose pod/{ID} --port {PORT} --wait", "ls", "limits", "gc")
                ),
            ),
            dial_ports(ID, (PORT,)),
            Step(
                "an account without the role is refused",
                use_without_role,
                f"kubectl --kubeconfig ${MANAGER}_kubeconfig -n $tasks_namespace create serviceaccount {STRANGER}\n"
                f"{TOKEN.format(STRANGER)}\ntask-gateway expose pod/{ID} --port {PORT} {OPTIONS}",
            ),
            end(ID),
        ),
    )
)
