"""Slots on a real gateway: each port only reaches its own task, and no task after the release."""

import http.client
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cluster.conftest import COUNT, NAMESPACE, RELEASE, START, Installed
from tests.task_pod import task_pod

from task_gateway.kube import helm
from task_gateway.kube.wait import condition, wait_for
from task_gateway.model import Address, Manifest, Task
from task_gateway.routing.reach import Answer, probe, wait_until_answers, wait_until_refused
from task_gateway.routing.strategies.slots import Slots
from task_gateway.settings import POD_READY

PORT = 8080
# Answers every request with the task's own name.
SERVER = f"""
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = os.environ["TASK"].encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
http.server.ThreadingHTTPServer(("", {PORT}), Handler).serve_forever()
"""


def pod(task: str) -> Manifest:
    return task_pod(task, NAMESPACE, SERVER, PORT)


def greeting_of(address: Address) -> str:
    connection = http.client.HTTPConnection(address.host, address.port, timeout=10)
    connection.request("GET", "/")
    return connection.getresponse().read().decode()


@pytest.fixture
def tasks(installed: Installed) -> Iterator[list[Task]]:
    made = [Task(f"task-{letter}", NAMESPACE, (PORT,), owner=f"user-{letter}") for letter in "ab"]
    for task in made:
        installed.kube.create(pod(task.id))
    for task in made:
        wait_for(installed.kube, POD_READY, "v1/Pod", task.id, NAMESPACE, condition("Ready"))
    yield made
    slots = Slots(installed.kube, installed.gateway, NAMESPACE)
    for task in made:
        slots.release(task.id)
        installed.kube.delete("v1/Pod", task.id, NAMESPACE)


def test_each_port_leads_to_its_own_task_and_to_nothing_after_release(
    installed: Installed, chart: Path, tasks: list[Task]
) -> None:
    slots = Slots(installed.kube, installed.gateway, NAMESPACE)
    addresses = {task.id: slots.expose(task)[0].address for task in tasks}
    for task, address in addresses.items():
        wait_until_answers(address)
        assert greeting_of(address) == task

    # An upgrade of the chart does not affect live tasks.
    values = {
        "gateway": {"addresses": [installed.gateway.gateway_ip]},
        "slots": [{"start": START, "count": COUNT}],
        "rbac": {"subjects": [{"kind": "User", "name": "resource-manager"}]},
    }
    helm.install(installed.cluster, RELEASE, chart, NAMESPACE, values)
    assert {each.task_id: each.address for each in slots.exposed()} == addresses
    assert {task: greeting_of(address) for task, address in addresses.items()} == {task.id: task.id for task in tasks}

    # The pod still runs, but connections to its port fail; the other task is not affected.
    first, second = tasks
    slots.release(first.id)
    assert wait_until_refused(addresses[first.id]) in (Answer.REFUSED, Answer.CLOSED)
    assert greeting_of(addresses[second.id]) == second.id

    # Exposed again, the task gets a port that nobody had; the released one stays closed.
    again = slots.expose(first)[0].address
    assert again not in addresses.values()
    wait_until_answers(again)
    assert greeting_of(again) == first.id
    assert probe(addresses[first.id]) in (Answer.REFUSED, Answer.CLOSED)


def test_a_port_outside_the_slots_is_closed(installed: Installed) -> None:
    assert probe(Address(installed.gateway.gateway_ip, START + COUNT)) is Answer.REFUSED
    assert probe(Address(installed.gateway.gateway_ip, START + COUNT - 1)) is Answer.CLOSED
