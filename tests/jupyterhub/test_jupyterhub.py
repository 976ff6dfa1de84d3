"""A real hub spawns into another cluster, with the configuration of the guide: its hooks, restarts, and races."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from tests.apiserver.operators import HOME, START, TASKS, until
from tests.jupyterhub.conftest import SLOTS, Lab
from tests.jupyterhub.hubs import HOST

from task_gateway.errors import ScenarioFailed
from task_gateway.kube.kinds import EVENT, POD, SERVICE
from task_gateway.model import InternalTaskGateway, Task
from task_gateway.routing import names
from task_gateway.routing.gateway import TaskGateway
from task_gateway_lab.master.exchange import accepted, call
from task_gateway_lab.master.notebook import Notebook
from task_gateway_lab.master.platform import RunningTask, TaskRequest

FORBIDDEN = 403


def launch(lab: Lab, name: str = "one", owner: str = "ada") -> RunningTask:
    return lab.hub.platform.launch(TaskRequest("notebook", "east", name, owner))


def opened(lab: Lab, running: RunningTask) -> Notebook:
    return Notebook(lab.hub.platform.url(running.id), running.authorization)


def addresses(lab: Lab) -> dict[str, str]:
    """Return the address of each pod by the name of its server."""
    pods = [each["metadata"] for each in lab.site.kube.list(POD, TASKS)]
    return {
        each["annotations"]["hub.jupyter.org/servername"]: each["annotations"].get(names.ADDRESS, "") for each in pods
    }


def ready(lab: Lab) -> set[str]:
    return {each.id for each in lab.hub.platform.tasks()}


@contextmanager
def in_background(lab: Lab) -> Iterator["Future[RunningTask]"]:
    """Launch a notebook, and continue when its pod exists."""
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(launch, lab)
        until(lambda: lab.pods() != [] or future.done())
        yield future


@contextmanager
def slots_taken(lab: Lab) -> Iterator[TaskGateway]:
    """Claim every slot for tasks of another platform."""
    gateway = TaskGateway(lab.site.kube, InternalTaskGateway("gw", HOME, HOST, START, START + SLOTS - 1), TASKS)
    fillers = [f"filler-{each}" for each in range(SLOTS)]
    try:
        for each in fillers:
            gateway.expose(Task(each, TASKS, (1,)))
        yield gateway
    finally:
        for each in fillers:
            gateway.release(each)


def test_a_notebook_of_another_cluster_opens_by_the_hub(lab: Lab) -> None:
    running = launch(lab)
    (address,) = addresses(lab).values()
    host, _, port = address.partition(":")
    assert host == HOST
    slot = lab.site.kube.get(SERVICE, f"gw-slot-{port}", TASKS)["metadata"]["annotations"]
    assert slot[names.OWNER] == "ada"
    notebook = opened(lab, running)
    assert notebook.execute("6 * 7") == "42"
    assert notebook.in_terminal("echo $((6 * 7))", "42") == "42"
    lab.hub.platform.kill(running.id)
    lab.hub.platform.gone(running.id)
    until(lambda: lab.site.claims() == {}, lab.site.claims)


def test_a_user_has_ports_and_tokens_of_their_own(lab: Lab) -> None:
    servers = [launch(lab, "one", "ada"), launch(lab, "two", "ada"), launch(lab, "three", "bob")]
    assert len(set(addresses(lab).values())) == len(servers)
    made = call("POST", f"{lab.hub.url}hub/api/users/ada/tokens", authorization=servers[0].authorization, body={})
    token = f"token {accepted(made, 'creating a token', lab.hub.url).json()['token']}"
    said = {each.id: call("GET", f"{opened(lab, each).url}api/status", authorization=token).status for each in servers}
    assert said == {"one": 200, "two": 200, "three": FORBIDDEN}
    lab.hub.platform.kill("one")
    assert opened(lab, servers[1]).execute("6 * 7") == "42"


def test_a_hub_that_restarts_finds_its_notebooks(lab: Lab) -> None:
    running = launch(lab)
    before = addresses(lab)
    assert opened(lab, running).execute("6 * 7") == "42"
    lab.hub.end_hub()
    assert opened(lab, running).execute("6 * 7") == "42"
    lab.hub.start_hub()
    until(lambda: ready(lab) == {"one"}, lab.hub.log)
    assert addresses(lab) == before
    assert opened(lab, running).execute("6 * 7") == "42"


@pytest.mark.parametrize("meanwhile", ["the pod waits", "the pod starts"])
def test_a_hub_that_is_killed_in_a_spawn_leaves_one_pod_and_one_port(lab: Lab, meanwhile: str) -> None:
    lab.kubelet.held = True
    with in_background(lab) as killed:
        lab.hub.kill_hub()
        with pytest.raises(ScenarioFailed):
            killed.result()
    if meanwhile == "the pod starts":
        lab.kubelet.let_go()
        until(lambda: "" not in addresses(lab).values())
    lab.hub.start_hub()
    lab.kubelet.let_go()
    platform = lab.hub.platform
    running = platform.follow("one") if platform.settled("one") else launch(lab)
    assert opened(lab, running).execute("6 * 7") == "42"
    assert len(lab.pods()) == 1
    until(lambda: len(lab.site.claims()) == 1, lab.site.claims)


def test_a_pod_that_is_deleted_behind_the_hub_ends_its_server(lab: Lab) -> None:
    launch(lab)
    (name,) = lab.pods()
    lab.site.kube.delete(POD, name, TASKS)
    until(lambda: ready(lab) == set())
    until(lambda: lab.site.claims() == {}, lab.site.claims)
    assert opened(lab, launch(lab)).execute("6 * 7") == "42"


def test_a_pod_that_is_deleted_in_a_spawn_ends_the_spawn(lab: Lab) -> None:
    lab.kubelet.held = True
    with in_background(lab) as spawning:
        (name,) = lab.pods()
        lab.site.kube.delete(POD, name, TASKS)
        with pytest.raises(ScenarioFailed, match="deleted"):
            spawning.result()
    assert lab.pods() == []


def test_without_a_free_slot_the_spawn_fails_with_what_the_operator_reports(lab: Lab) -> None:
    with slots_taken(lab):
        with pytest.raises(ScenarioFailed) as failed:
            launch(lab)
        (event,) = [each for each in lab.site.kube.list(EVENT, TASKS) if each["reason"] == "NoFreeSlot"]
        assert event["message"] in failed.value.message
        assert lab.pods() == []


def test_a_spawn_that_waits_for_a_slot_goes_on_once_one_is_free(lab: Lab) -> None:
    with slots_taken(lab) as gateway, in_background(lab) as spawning:
        (name,) = lab.pods()
        lab.site.wait(name, "NoFreeSlot")
        gateway.release("filler-0")
        assert opened(lab, spawning.result()).execute("6 * 7") == "42"


def test_an_idle_notebook_is_culled_and_its_port_freed(lab: Lab) -> None:
    launch(lab)
    lab.hub.cull(seconds=1)
    until(lambda: ready(lab) == set(), lab.hub.log)
    until(lambda: lab.site.claims() == {}, lab.site.claims)
