"""Scenario `notebook_multi_rm`: a notebook in another cluster opened through the gateway, and one at home directly."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from string import Template
from typing import Any

import yaml

from task_gateway import __version__, config, settings
from task_gateway.clusters.kind import node_address
from task_gateway.clusters.versions import image_versions
from task_gateway.errors import ScenarioFailed, UsageError
from task_gateway.kube import helm
from task_gateway.kube.client import Kube
from task_gateway.kube.kinds import POD
from task_gateway.kube.wait import condition, wait_for
from task_gateway.master import browser, launcher, manifests
from task_gateway.master.notebook import Notebook
from task_gateway.master.table import Master
from task_gateway.model import Address, InternalTaskGateway, NotebookRun, ResourceManager, Task
from task_gateway.routing import reach
from task_gateway.routing.base import STRATEGIES, Strategy
from task_gateway.routing.names import CHART, CRDS_CHART, CRDS_NAMESPACE
from task_gateway.scenarios import evidence
from task_gateway.scenarios.base import SCENARIOS, Options, Scenario
from task_gateway.scenarios.pair import Clusters
from task_gateway.scenarios.steps import Note, Steps

DATA: dict[str, Any] = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text())
GATEWAY = "gateway.networking.k8s.io/v1/Gateway"
SLOTS, DIRECT = "slots", "direct"
BAD_GATEWAY, NOT_FOUND = 502, 404  # of the master's proxy: the task does not answer; there is no such task


@dataclass(frozen=True)
class Side:
    """One resource manager with its cluster; without a strategy its tasks are dialled directly."""

    manager: ResourceManager
    kube: Kube
    strategy: Strategy | None

    @property
    def task(self) -> Task:
        """The notebook that is started there."""
        namespaces, port = DATA["namespaces"], DATA["task_port"]
        return Task(f"notebook-{self.manager.name}", namespaces["tasks"], (port,), owner=DATA["release"])


def master_config(names: Sequence[str], additional_kubeconfig: Path, gateway_ip: str) -> str:
    """Return the text of the master's configuration for two clusters."""
    namespaces = DATA["namespaces"]
    return Template(DATA["master_config"]).substitute(
        default_cluster=names[0],
        additional_cluster=names[1],
        additional_kubeconfig=additional_kubeconfig,
        tasks_namespace=namespaces["tasks"],
        gateway_name=DATA["release"],
        gateway_namespace=namespaces["gateway"],
        gateway_ip=gateway_ip,
    )


def chart_values(gateway: InternalTaskGateway, tasks_namespace: str) -> dict[str, Any]:
    """Return what the chart is installed with so that it serves what the master is told."""
    start, end = gateway.gateway_port_range_start, gateway.gateway_port_range_end
    return {
        "gateway": {"name": gateway.gateway_name, "addresses": [gateway.gateway_ip]},
        "slots": {"namespace": tasks_namespace, "start": start, "count": end - start + 1},
    }


class NotebookMultiRm:
    """One run, with what it has gathered so far."""

    def __init__(self, options: Options) -> None:
        browser.find()  # better missed now than when the clusters are up
        self.options = options
        self.versions = {"task-gateway": __version__, "chart": options.chart.stem.removeprefix(f"{CHART}-")}
        self.notebooks: list[NotebookRun] = []
        self._kubes: dict[str, Kube] = {}
        self._clusters = Clusters((f"{options.name}-default", f"{options.name}-additional"))

    def run(self, steps: Steps) -> None:
        """Bring everything up, then use and end one notebook after the other."""
        with steps.step("two clusters side by side") as note:
            self._bring_up(note)
        default, additional = (self._kubes[name] for name in self._clusters.names)
        with steps.step("master configuration read") as note:
            text = master_config(self._clusters.names, additional.cluster.kubeconfig, node_address(additional))
            master = config.parse(text, "master.yaml")
            (remote,) = master.additional
            gateway = _gateway_of(remote)
            note.detail = f"{remote.name}: {gateway.gateway_ip}, ports {gateway.gateway_port_range_start} to "
            note.detail += str(gateway.gateway_port_range_end)
        with steps.step("chart installed in the additional cluster") as note:
            self._install(additional, gateway, note)
        with steps.step("gateway Programmed") as note:
            name, namespace = gateway.gateway_name, gateway.gateway_namespace
            wait_for(additional, settings.GATEWAY_PROGRAMMED, GATEWAY, name, namespace, condition("Programmed"))
            self.versions |= image_versions(additional.list(POD, namespace))
            note.detail = f"Gateway {namespace}/{name}"
        with steps.step("master started in the default cluster") as note:
            proxy = self._start_master(default)
            note.detail = proxy.url
        slots = STRATEGIES.get(SLOTS)(additional, gateway, DATA["namespaces"]["tasks"])
        for side in (Side(remote, additional, slots), Side(master.default, default, None)):
            self._use_and_end(steps, side, proxy)

    def collect(self, folder: Path, error: Exception) -> Sequence[Path]:
        """Keep events, conditions, logs and the last state of the wait that ended the run."""
        return evidence.collect(folder, error, self._kubes.items(), tuple(DATA["namespaces"].values()))

    def close(self, steps: Steps) -> None:
        """Remove the clusters, or say how to look at them."""
        if self.options.keep and self._kubes:
            with steps.step("clusters kept") as note:
                files = ":".join(str(kube.cluster.kubeconfig) for kube in self._kubes.values())
                note.detail = f"export KUBECONFIG={files}; task-gateway cluster down {'|'.join(self._kubes)}"
        elif self._clusters.made:
            with steps.step("clusters removed"):
                self._clusters.down()

    def _bring_up(self, note: Note) -> None:
        for cluster in self._clusters.up(note.say):
            self._kubes[cluster.name] = kube = Kube(cluster)
            self.versions["kubernetes"] = kube.version()
            kube.apply(manifests.namespace(DATA["namespaces"]["tasks"], manifests.RESTRICTED))
        note.detail = ", ".join(self._kubes)

    def _install(self, kube: Kube, gateway: InternalTaskGateway, note: Note) -> None:
        values = chart_values(gateway, DATA["namespaces"]["tasks"])
        helm.install(kube.cluster, CRDS_CHART, self.options.crds, CRDS_NAMESPACE)
        helm.install(kube.cluster, DATA["release"], self.options.chart, gateway.gateway_namespace, values)
        note.detail = f"{values['slots']['count']} slots"

    def _start_master(self, kube: Kube) -> Master:
        address = Address(node_address(kube), DATA["master_port"])
        image, namespace = self.options.image, DATA["namespaces"]["master"]
        return launcher.start_master(kube, namespace, image, address, DATA["resources"]["master"])

    def _use_and_end(self, steps: Steps, side: Side, master: Master) -> None:
        """Start a notebook, reach it by way of the master, end it, and see that nothing answers there."""
        task, name = side.task, side.manager.name
        with steps.step(f"{name}: notebook started as a task") as note:
            resources = DATA["resources"]["notebook"]
            address, token = launcher.start_notebook(side.kube, task, self.options.image, resources)
            note.detail = f"pod {task.namespace}/{task.id} at {address} on {side.kube.cluster.name}"
        if side.strategy is not None:
            with steps.step(f"{name}: pod out of the master's reach") as note:
                master.register(task.id, address)
                note.detail = f"the master says {master.wait_until(task.id, BAD_GATEWAY, settings.TASK_REFUSED)}"
            with steps.step(f"{name}: slot claimed") as note:
                (address,) = side.strategy.expose(task)
                reach.wait_until_answers(address)
                note.detail = f"{address} answers"
        with steps.step(f"{name}: cell executed through the master") as note:
            master.register(task.id, address)
            notebook = Notebook(master.notebook_url(task.id), f"token {token}")
            notebook.wait_until_answers()
            expected = Template(DATA["output"]).substitute(task=task.id)
            output = notebook.execute(DATA["cell"])
            if output != expected:
                raise ScenarioFailed(f"the cell gave {output!r}, not {expected!r}", where=notebook.url)
            self.versions["jupyterlab"] = notebook.lab_version()
            note.detail = output
        picture = Path(f"notebook-{name}.png")
        with steps.step(f"{name}: page opened in Chromium") as note:
            notebook.decline_news()
            page = notebook.save("cell.ipynb", DATA["cell"])
            shot = self.options.folder / picture
            self.versions["chromium"] = browser.run_in_page(notebook.url, page, f"token {token}", output, shot)
            note.detail = str(picture)
        run = NotebookRun(
            resource_manager=name,
            cluster=side.kube.cluster.name,
            address=address.host,
            port=address.port,
            strategy=SLOTS if side.strategy else DIRECT,
            cell=DATA["cell"],
            output=output,
            screenshot=str(picture),
            refused_after_release=False,
        )
        self.notebooks.append(run)
        with steps.step(f"{name}: task ended, nothing answers there") as note:
            note.detail = self._end(side, master, address)
            self.notebooks[-1] = replace(run, refused_after_release=True)

    def _end(self, side: Side, master: Master, address: Address) -> str:
        """End a task and release its port; return what its address does then. WaitTimeout if it still answers."""
        task, seen = side.task, []
        launcher.end_task(side.kube, task)
        if side.strategy is not None:
            side.strategy.release(task.id)
            seen.append(f"{address} {reach.wait_until_refused(address).value}")
        reply = master.wait_until(task.id, BAD_GATEWAY, settings.TASK_REFUSED)
        master.forget(task.id)
        master.wait_until(task.id, NOT_FOUND, settings.TASK_REFUSED)
        return "; ".join([*seen, f"the master says {reply}"])


def _gateway_of(manager: ResourceManager) -> InternalTaskGateway:
    if manager.internal_task_gateway is None:
        raise UsageError(f"resource manager {manager.name} has no internal_task_gateway")
    return manager.internal_task_gateway


SCENARIOS.register("notebook_multi_rm")(
    Scenario(
        name="notebook_multi_rm",
        sentence=DATA["sentence"],
        needs=("a container engine", "the chart's package", "the notebook image", "Chromium"),
        prepare=NotebookMultiRm,
    )
)
