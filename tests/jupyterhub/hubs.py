"""A hub and its proxy as processes: started with the configuration of the guide, restarted, and killed."""

import os
import secrets
import signal
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from tests.apiserver.operators import TASKS, until
from tests.jupyterhub import programs

from task_gateway.kube.process import Process, run, spawn
from task_gateway_lab.clusters.control_plane import free_ports
from task_gateway_lab.master.exchange import call
from task_gateway_lab.master.jupyterhub.files import configuration
from task_gateway_lab.master.platforms.base import PlatformLogin
from task_gateway_lab.master.platforms.jupyterhub import JupyterHub

HOST, ADMINISTRATOR = "127.0.0.1", "administrator"
START_SECONDS = 30  # the hook gives up ten seconds earlier
CONFIG = """
load_subconfig("jupyterhub_config.py", "{folder}")
c.JupyterHub.hub_bind_url = c.JupyterHub.hub_connect_url = "{hub}"
c.JupyterHub.db_url = "sqlite:///{folder}/hub.sqlite"
c.JupyterHub.cookie_secret_file = "{folder}/cookie_secret"
c.ConfigurableHTTPProxy.api_url = "{proxy}"
c.Spawner.poll_interval = 1
c.KubeSpawner.start_timeout = {seconds}
"""


@dataclass
class Hub:
    """One hub and its processes; `kubeconfig` is that of the cluster of its notebooks, with only the hub's rights."""

    folder: Path
    kubeconfig: Path
    token: str = field(default_factory=secrets.token_hex)
    password: str = field(default_factory=secrets.token_hex)
    ports: list[int] = field(default_factory=lambda: free_ports(3))
    processes: dict[str, Process] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """The URL for users."""
        return f"http://{HOST}:{self.ports[0]}/"

    @cached_property
    def platform(self) -> JupyterHub:
        """The hub as a platform of scenarios."""
        return JupyterHub(PlatformLogin(self.url, "ada", self.token, {"east": ""}))

    def start(self) -> None:
        """Write the configuration, and start the proxy, then the hub."""
        hub, api = (f"http://{HOST}:{port}" for port in self.ports[1:])
        words = {"HUB_URL": hub, "TASKS_NAMESPACE": TASKS, "IMAGE": "none"}
        for name, text in configuration(words).items():
            (self.folder / name).write_text(text)
        text = CONFIG.format(hub=hub, proxy=api, folder=self.folder, seconds=START_SECONDS)
        (self.folder / "config.py").write_text(text)
        at = ["--ip", HOST, "--port", self.ports[0], "--api-ip", HOST, "--api-port", self.ports[2]]
        self._spawn("proxy", [programs.proxy(), *map(str, at), "--error-target", f"{hub}/hub/error"])
        self.start_hub()

    def start_hub(self) -> None:
        """Start the hub and return when it answers through its proxy."""
        self._spawn("hub", [programs.hub() / "jupyterhub", "--config", self.folder / "config.py"])
        until(lambda: call("GET", f"{self.url}hub/api/").status == 200, self.log, 60)

    def end_hub(self) -> None:
        """End the hub like a supervisor."""
        self.processes["hub"].stop()

    def kill_hub(self) -> None:
        """Kill the hub and its services."""
        os.killpg(self.processes["hub"].pid, signal.SIGKILL)
        until(lambda: self.processes["hub"].poll() is not None)

    def close(self) -> None:
        """End all processes."""
        for each in self.processes.values():
            each.stop()

    def cull(self, seconds: int) -> None:
        """Run the idle culler once."""
        words: list[str | Path] = ["timeout", "5", programs.hub() / "python", "-m", "jupyterhub_idle_culler"]
        words += [f"--url=http://{HOST}:{self.ports[1]}/hub/api", f"--timeout={seconds}", "--cull-every=1"]
        run(words, env={"JUPYTERHUB_API_TOKEN": self.token}, check=False)

    def log(self) -> str:
        """Return the log of the hub."""
        return (self.folder / "hub.log").read_text()

    def _spawn(self, name: str, words: list[str | Path]) -> None:
        secret = {"CONFIGPROXY_AUTH_TOKEN": self.token, "API_TOKEN": self.token, "PASSWORD": self.password}
        env = secret | {"KUBECONFIG": str(self.kubeconfig), "PYTHONUNBUFFERED": "1"}
        self.processes[name] = spawn(words, log=self.folder / f"{name}.log", env=env)
