"""A node without containers: each pod gets a loopback address, and JupyterHub's own single-user server as a process."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from task_gateway.errors import TaskGatewayError
from task_gateway.kube.client import Kube
from task_gateway.kube.kinds import POD
from task_gateway.kube.process import Process, spawn
from task_gateway.model import Manifest

PORT = 8888
WATCH_SECONDS = 3600.0


@dataclass
class Kubelet:
    """Runs the pods of one namespace; while it is `held`, new ones stay Pending."""

    kube: Kube
    namespace: str
    programs: Path
    folder: Path
    held: bool = False
    running: dict[str, Process] = field(default_factory=dict)
    _count: int = 0
    _closed: bool = False

    def run(self) -> None:
        """Watch the pods until this is closed."""
        while not self._closed:
            try:
                for event, pod in self.kube.watch(POD, self.namespace, seconds=WATCH_SECONDS):
                    self._take(event, pod)
            except TaskGatewayError:
                continue

    def close(self) -> None:
        """End every process; the thread ends with the API server."""
        self._closed = True
        for process in list(self.running.values()):
            process.stop()

    def let_go(self) -> None:
        """Start the pods that were held."""
        self.held = False
        for pod in self.kube.list(POD, self.namespace):
            self._take("MODIFIED", pod)

    def _take(self, event: str, pod: Manifest) -> None:
        uid = pod["metadata"]["uid"]
        if event == "DELETED":
            if uid in self.running:
                self.running.pop(uid).stop()
        elif uid not in self.running and not self.held:
            self._start(pod)

    def _start(self, pod: Manifest) -> None:
        name, uid = pod["metadata"]["name"], pod["metadata"]["uid"]
        (container,) = pod["spec"]["containers"]
        self._count += 1
        address = f"127.0.1.{self._count}"
        env = {each["name"]: each.get("value", "") for each in container["env"]}
        env["JUPYTERHUB_SERVICE_URL"] = env["JUPYTERHUB_SERVICE_URL"].replace("0.0.0.0", address)
        home = self.folder / uid
        home.mkdir()
        words = [self.programs / container["args"][0], "--ServerApp.allow_root=True"]
        log = self.folder / f"{name}.log"
        self.running[uid] = spawn(words, log=log, env=env | {"HOME": str(home), "JUPYTERHUB_ROOT_DIR": str(home)})
        state = {"running": {"startedAt": "2026-01-01T00:00:00Z"}}
        status = {"name": container["name"], "image": container["image"], "imageID": "", "restartCount": 0}
        ready = {"phase": "Running", "podIP": address, "podIPs": [{"ip": address}]}
        ready["containerStatuses"] = [status | {"ready": True, "state": state}]
        self.kube.patch(POD, name, self.namespace, {"status": ready}, strategic=True, subresource="status")


@contextmanager
def started(kubelet: Kubelet) -> Iterator[Kubelet]:
    """Run a kubelet in a thread, and end the processes that it started."""
    threading.Thread(target=kubelet.run, name="kubelet", daemon=True).start()
    try:
        yield kubelet
    finally:
        kubelet.close()
