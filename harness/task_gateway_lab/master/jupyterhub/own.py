"""Starts a hub for the run: hub and proxy in one cluster, its notebooks in another, behind the gateway there."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from urllib.parse import urlsplit

from task_gateway import settings
from task_gateway.kube.client import Kube
from task_gateway.kube.kinds import DEPLOYMENT, EVENT, POD
from task_gateway.kube.kubectl import kubectl
from task_gateway.kube.wait import condition, wait_for, wait_until_usable
from task_gateway.model import Address, Manifest
from task_gateway.operator.request import ExposeReason
from task_gateway.polling import attempts
from task_gateway.routing import names
from task_gateway.settings import Wait
from task_gateway_lab.clusters import hub_image
from task_gateway_lab.master import identity
from task_gateway_lab.master.exchange import accepted, call
from task_gateway_lab.master.jupyterhub.files import configuration, objects
from task_gateway_lab.master.managed_cluster import ManagedCluster
from task_gateway_lab.master.platform import RunningTask
from task_gateway_lab.master.platforms.base import PlatformLogin
from task_gateway_lab.master.platforms.jupyterhub import JupyterHub
from task_gateway_lab.master.proxy_client import wait_for_reply

HUB, ACCOUNT, USER = "hub", "hub", "ada"
PROCESS = "jupyterhub --config="
API_PORT, PROXY_PORT, HUB_PORT = 6443, 30080, 30081
STARTED = Wait("hub-started", "the hub and its proxy are available", 180)
RESTARTED = Wait("hub-restarted", "the hub was started again", 120)
SERVER = ("hub.jupyter.org/username", "hub.jupyter.org/servername")
"""The annotations in which KubeSpawner writes the user and the server name of a pod."""


@dataclass(frozen=True)
class HubSettings:
    """The place of a hub: its cluster, the address of a node there, and its namespace."""

    home: Kube
    address: str
    namespace: str
    notebooks: ManagedCluster
    image: str

    @property
    def url(self) -> str:
        """The URL for users."""
        return f"http://{self.address}:{PROXY_PORT}/"


class OwnHub(JupyterHub):
    """A hub that the run started; it also knows the addresses of its notebooks, and can be restarted and inspected."""

    def __init__(self, site: HubSettings, token: str, password: str) -> None:
        managed = site.notebooks.name
        super().__init__(PlatformLogin(site.url, USER, token, {managed: managed}))
        self.site, self.password = site, password

    def restart(self) -> None:
        """End the hub's process and return when the next one answers; its notebooks keep running."""
        before = self.restarts()
        end = "import os, signal; os.kill(1, signal.SIGTERM)"
        kubectl(
            self.site.home.cluster, "exec", "-n", self.site.namespace, f"deployment/{HUB}", "--", "python3", "-c", end
        )
        self.wait_until_restarted(before)

    def restarts(self) -> int:
        """Return how often the hub's process was restarted."""
        (pod,) = self.site.home.list(POD, self.site.namespace, f"app={HUB}")
        return sum(each["restartCount"] for each in pod["status"]["containerStatuses"])

    def wait_until_restarted(self, before: int) -> None:
        """Return when the hub has more restarts than `before`, and answers."""
        for _ in attempts(RESTARTED):
            if self.restarts() > before:
                wait_for_reply(lambda: call("GET", f"{self.site.url}hub/api/"), 200, STARTED, self.site.url)
                return
        raise RESTARTED.timed_out(f"{before} restarts", self.site.url)

    def pods(self, task_id: str) -> list[Manifest]:
        """Return the pods of a server."""
        managed, wanted = self.site.notebooks, self._named(task_id)
        pods = managed.kube.list(POD, managed.namespace, "component=singleuser-server")
        return [each for each in pods if tuple(map(each["metadata"]["annotations"].get, SERVER)) == wanted]

    def refusal(self, task_id: str) -> str:
        """Return why the operator assigns a server no port, from its Event; empty if there is none yet."""
        pods = [each["metadata"]["name"] for each in self.pods(task_id)]
        events = self.site.notebooks.kube.list(EVENT, self.site.notebooks.namespace)
        found = [each for each in events if each["involvedObject"]["name"] in pods]
        return next((str(each["message"]) for each in found if each["reason"] == ExposeReason.NO_FREE_SLOT), "")

    def token_of(self, user: str) -> str:
        """Return the authorization header of a user."""
        return f"token {self._ask('POST', f'users/{user}/tokens', {})['token']}"

    def forget(self, user: str) -> None:
        """Remove a user and its servers."""
        accepted(self._call("DELETE", f"users/{user}"), f"removing {user}", self.site.url)

    def _running(self, task_id: str) -> RunningTask:
        running, pods = super()._running(task_id), self.pods(task_id)
        if not pods:
            return running
        pod = pods[0]
        address = pod["metadata"]["annotations"].get(names.ADDRESS)
        addresses = (Address.parse(address),) if address else ()
        return replace(running, addresses=addresses, host=pod["metadata"]["name"], url=self.url(task_id))


def start(site: HubSettings) -> OwnHub:
    """Start a hub and its proxy, and return it when users can log in."""
    token, password = secrets.token_hex(), secrets.token_hex(8)
    words = {
        "HUB_URL": f"http://{site.address}:{HUB_PORT}",
        "HUB_NAMESPACE": site.namespace,
        "HUB_IMAGE": hub_image.NAME,
        "TASKS_NAMESPACE": site.notebooks.namespace,
        "IMAGE": site.image,
    }
    for each in objects("rights", words):
        site.notebooks.kube.apply(each)
    namespace, *workload = objects("hub", words)
    site.home.apply(namespace)
    wait_until_usable(site.home, site.namespace)
    login = {"kubeconfig": _login(site.notebooks), "password": password, "api-token": token}
    site.home.apply(_object("Secret", site, {"stringData": login | {"proxy-token": secrets.token_hex()}}))
    site.home.apply(_object("ConfigMap", site, {"data": configuration(words)}))
    for each in workload:
        site.home.apply(each)
    for name in ("proxy", HUB):
        wait_for(site.home, STARTED, DEPLOYMENT, name, site.namespace, condition("Available"))
    # The hub first: the proxy keeps its connection to the hub's Service, also one from before kube-proxy knew it.
    for url in (f"{words['HUB_URL']}/", site.url):
        wait_for_reply(partial(call, "GET", f"{url}hub/api/"), 200, settings.TASK_REACHABLE, url)
    return OwnHub(site, token, password)


def _object(kind: str, site: HubSettings, content: Mapping[str, Mapping[str, str]]) -> Manifest:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": HUB, "namespace": site.namespace}, **content}


def _login(managed: ManagedCluster) -> str:
    """Return the hub's kubeconfig. A pod of another cluster cannot use a loopback address of the API server."""
    server = managed.kube.server
    if urlsplit(server).hostname in ("127.0.0.1", "localhost"):
        server = f"https://{managed.block.gateway_ip}:{API_PORT}"
    return identity.kubeconfig(managed.kube, managed.namespace, ACCOUNT, server)
