"""Steps that many scenarios share: start a task, use it as its user does, end it and check that it is gone."""

from dataclasses import replace

from task_gateway import settings
from task_gateway.errors import ScenarioFailed
from task_gateway.kube.kinds import POD
from task_gateway.model import OPERATOR, Address
from task_gateway_lab.model_bugbash import NotebookRun
from task_gateway_lab.scenarios import runtime
from task_gateway_lab.scenarios.base import ScenarioCase, Step
from task_gateway_lab.scenarios.places import DEFAULT

SLOTS, DIRECT = "slots", "direct"
BAD_GATEWAY = 502  # the status of the master's proxy for a task that it cannot reach


def start(kind: str, manager: str, id: str, *, owner: str = "", ports: tuple[int, ...] = ()) -> Step:
    """Start a task, which ends with the scenario."""

    def do(case: ScenarioCase) -> str:
        running = launch(case, runtime.TaskRequest(kind, manager, id, owner, ports))
        where = ", ".join(map(str, running.addresses)) or case.platform.url(id)
        return f"{id} on {manager} at {where}"

    hand = f"""kubectl --kubeconfig ${manager}_kubeconfig --namespace $tasks_namespace get pod {id}
task-gateway ls --kubeconfig ${manager}_kubeconfig"""
    return Step(f"{manager}: {kind} {id} started", do, hand)


def launch(case: ScenarioCase, request: "runtime.TaskRequest") -> "runtime.RunningTask":
    """Start a task, which ends with the scenario; its address becomes a variable of the manual commands."""
    case.cleanup.callback(case.platform.kill, request.id)
    running = case.platform.launch(request)
    case.state[request.id] = running
    if running.addresses:
        case.facts[request.id.replace("-", "_")] = str(running.address)
    return running


def out_of_reach(id: str) -> Step:
    """Check that the master cannot reach a task's pod directly, so later steps go through the gateway."""

    def do(case: ScenarioCase) -> str:
        running, proxy = case.state[id], case.environment.stand_in_master.proxy
        managed = case.environment.clusters[running.manager]
        (port, *_) = runtime.KINDS.get(running.kind).ports
        proxy.register(id, Address(managed.kube.get(POD, id, managed.namespace)["status"]["podIP"], port))
        said = proxy.wait_until(id, BAD_GATEWAY, settings.TASK_REFUSED)
        proxy.register(id, running.address)
        return f"at the address of the pod the master reports {said}"

    return Step(f"pod of {id} out of the master's reach", do)


def cell(id: str, way: str = "the master") -> Step:
    """Run a cell in a notebook, through the master or at its own URL, and check its output."""

    def do(case: ScenarioCase) -> str:
        return run_cell(case, id)

    return Step(f"cell executed in {id} through {way}", do, "# open the notebook's URL, run a cell")


def run_cell(case: ScenarioCase, id: str) -> str:
    """Run the standard cell of scenarios in a notebook and return its output."""
    notebook = opened(case, id)
    running: runtime.RunningTask = case.state[id]
    output = notebook.execute(runtime.data()["cell"])
    host, _, rest = output.partition(" ")
    if rest != runtime.data()["output"] or host != (running.host or host):
        expected = f"{running.host or 'its name'} {runtime.data()['output']}"
        raise ScenarioFailed(f"the cell gave {output!r}, not {expected!r}", where=notebook.url)
    case.environment.versions["jupyterlab"] = notebook.lab_version()
    _note(case, running, output)
    return output


def _note(case: ScenarioCase, running: "runtime.RunningTask", output: str) -> None:
    """Record how a notebook was reached, if the master reports its address and cluster."""
    managed = case.environment.clusters.get(running.manager)
    if managed is not None and running.addresses:
        strategy = OPERATOR if running.url else DIRECT if managed.gateway is None else SLOTS
        host, port = running.address.host, running.address.port
        case.notebooks[running.id] = NotebookRun(
            running.manager, managed.kube.cluster.name, host, port, strategy, runtime.data()["cell"], output
        )


def opened(case: ScenarioCase, id: str) -> "runtime.Notebook":
    """Return the notebook of a task when it answers, through the master or at its own URL."""
    running: runtime.RunningTask = case.state[id]
    notebook = runtime.Notebook(running.url or case.platform.url(id), running.authorization)
    notebook.wait_until_answers()
    return notebook


def page(id: str) -> Step:
    """Open the notebook's page in Chromium, run its cell, and save a screenshot."""

    def do(case: ScenarioCase) -> str:
        running: runtime.RunningTask = case.state[id]
        notebook = opened(case, id)
        notebook.decline_news()
        url = notebook.save("cell.ipynb", runtime.data()["cell"])
        output = f"{running.host} {runtime.data()['output']}".strip()
        shot = case.picture(id)
        case.environment.versions["chromium"] = runtime.browser.run_in_page(
            notebook.url, url, running.authorization, output, shot
        )
        if id in case.notebooks:
            case.notebooks[id] = replace(case.notebooks[id], screenshot=case.screenshot)
        return f"the page shows {output!r}"

    return Step(f"page of {id} opened in Chromium", do, "# open the notebook's URL in a browser")


def end(id: str) -> Step:
    """End a task, and check that its address does not answer and that the master does not know it any more."""

    def do(case: ScenarioCase) -> str:
        running: runtime.RunningTask = case.state[id]
        case.platform.kill(id)
        seen = []
        if running.manager != DEFAULT:
            seen = [f"{each} {runtime.reach.wait_until_refused(each).value}" for each in running.addresses]
        seen.append(case.platform.gone(id))
        note_refused(case, id)
        return "; ".join(seen)

    return Step(f"{id} ended, nothing answers there", do, f"task-gateway release {id}")


def note_refused(case: ScenarioCase, id: str) -> None:
    """Record that the address of a notebook does not answer any more."""
    if id in case.notebooks:
        case.notebooks[id] = replace(case.notebooks[id], refused_after_release=True)
