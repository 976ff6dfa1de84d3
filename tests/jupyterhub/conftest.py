"""A hub outside a cluster whose pods use slots of a gateway: a real API server, operator, hub, proxy and notebooks."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from tests.apiserver.operators import HOME, START, TASKS, OperatorSite, installed, until
from tests.apiserver.planes import gateway_api
from tests.jupyterhub import dataplane, kubelet, programs
from tests.jupyterhub.hubs import HOST, Hub

from task_gateway.kube.kinds import POD
from task_gateway.operator.run import Operator
from task_gateway_lab.master import manifests
from task_gateway_lab.master.jupyterhub.files import objects

SLOTS = 3


@dataclass
class Lab:
    """All components of the test."""

    site: OperatorSite
    operator: Operator
    kubelet: kubelet.Kubelet
    hub: Hub

    def pods(self) -> list[str]:
        return [each["metadata"]["name"] for each in self.site.kube.list(POD, TASKS)]


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("hub")
    with gateway_api("jupyterhub", HOME, TASKS) as kube:
        site = installed(kube, folder, SLOTS, HOST)
        for namespace in (TASKS, HOME):
            kube.apply(manifests.namespace(namespace, manifests.RESTRICTED))
        for each in objects("rights", {"TASKS_NAMESPACE": TASKS}):
            kube.apply(each)
        plane = dataplane.DataPlane(kube, TASKS, "gw", HOST, range(START, START + SLOTS))
        node = kubelet.Kubelet(kube, TASKS, programs.notebook(), folder)
        hub = Hub(folder, login(site, folder))
        with site.operator() as operator, plane.served(), kubelet.started(node):
            try:
                hub.start()
                yield Lab(site, operator, node, hub)
            finally:
                hub.close()


@pytest.fixture
def lab(made: Lab) -> Iterator[Lab]:
    yield made
    if made.hub.processes["hub"].poll() is not None:
        made.hub.start_hub()
    made.kubelet.let_go()
    for each in made.hub.platform.tasks():
        made.hub.platform.kill(each.id)
    for name in made.pods():
        made.site.kube.delete(POD, name, TASKS)
    until(lambda: made.site.claims() == {}, made.site.claims)


def login(site: OperatorSite, folder: Path) -> Path:
    """Return a kubeconfig of the hub's ServiceAccount."""
    content = yaml.safe_load(site.kube.cluster.kubeconfig.read_text())
    content["users"][0]["user"] = {"token": site.kube.token("hub", TASKS, 7200)}
    file = folder / "hub.kubeconfig"
    file.write_text(yaml.safe_dump(content))
    return file
