"""A real Determined master as a platform, over its public REST API, to run the same scenarios against it.

Field names are those of the API's messages (proto/src/determined/api/v1 of determined-ai/determined) in the JSON of its
gateway. A resource pool selects the resource manager.

The API only reports addresses of shells. Notebooks and TensorBoards are reachable through the master's proxy. The token
of a notebook is in its `serviceAddress`.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, quote, urljoin, urlsplit

from task_gateway import settings
from task_gateway.errors import ScenarioFailed, UsageError
from task_gateway.model import Address
from task_gateway.polling import attempts
from task_gateway_lab.master.exchange import accepted, call
from task_gateway_lab.master.platform import RunningTask, TaskRequest
from task_gateway_lab.master.platforms.base import PLATFORMS, PlatformLogin
from task_gateway_lab.master.proxy_client import wait_for_reply

KINDS = {"notebook": "notebooks", "tensorboard": "tensorboards", "shell": "shells", "command": "commands"}
RUNNING, ENDED = "STATE_RUNNING", ("STATE_TERMINATED", "STATE_TERMINATING")
SERVED = {"notebook": "api", "tensorboard": ""}
"""Path below a task's URL to check that it serves. It is RUNNING some 20 seconds before, and the URL returns 502."""


@PLATFORMS.register("determined")
class Determined:
    """A Determined master, as one user. A TensorBoard shows the experiments of the login, and requires at least one."""

    def __init__(self, login: PlatformLogin) -> None:
        self._url = login.url.rstrip("/") + "/"
        self._pools = dict(login.pools)
        self._experiments = list(login.experiments)
        self._kinds: dict[str, str] = {}
        asked = {"username": login.user, "password": login.password, "isHashed": False}
        answer = call("POST", self._at("auth/login"), body=asked)
        token = accepted(answer, "logging in", self._url).json().get("token")
        if not token:
            raise ScenarioFailed("the master's answer to the login has no token", where=self._url)
        self._authorization = f"Bearer {token}"
        self._ids: dict[str, str] = {}

    def version(self) -> str:
        """Return the master's version."""
        return str(self._ask("GET", "master")["version"])

    def launch(self, request: TaskRequest) -> RunningTask:
        """Start a task and return it when it runs and, if it serves HTTP, answers; kill it if it does not."""
        if request.manager not in self._pools:
            raise UsageError(
                f"no resource pool is named for {request.manager}", hint=f"known: {', '.join(self._pools)}"
            )
        config = {"description": request.id, "resources": {"resource_pool": self._pools[request.manager]}}
        made = self._ask("POST", KINDS[request.kind], {"config": config, **self._source(request.kind)})[request.kind]
        self._kinds[made["id"]] = request.kind
        self._ids[request.id] = made["id"]
        try:
            running = self._running(self._wait(request.kind, made["id"]), request.kind)
            if request.kind in SERVED:
                url = f"{self.url(running.id)}{SERVED[request.kind]}"
                wait_for_reply(
                    lambda: call("GET", url, authorization=running.authorization), 200, settings.TASK_REACHABLE, url
                )
            return running
        except BaseException:
            self.kill(made["id"])
            raise

    def tasks(self) -> list[RunningTask]:
        """Return the running tasks of the four kinds."""
        found = []
        for kind, path in KINDS.items():
            for each in self._ask("GET", path)[path]:
                if each["state"] == RUNNING:
                    self._kinds[each["id"]] = kind
                    found.append(self._running(each, kind))
        return found

    def kill(self, task_id: str) -> None:
        """End a task that was started or listed here, by its requested name or its id."""
        own = self._ids.get(task_id, task_id)
        kind = self._kinds.get(own)
        if kind is not None:
            self._ask("POST", f"{KINDS[kind]}/{quote(own)}/kill", {})

    def restart(self) -> None:
        """Raise an error, because a test must not restart a master that others use."""
        raise UsageError("a Determined master is not restarted from here", hint="leave out the scenarios that need it")

    def gone(self, task_id: str) -> str:
        """Return the final state of a task when it has ended. The API has no watch for that."""
        own, wait = self._ids.get(task_id, task_id), settings.POD_GONE
        kind = self._kinds[own]
        state = ""
        for _ in attempts(wait):
            state = self._ask("GET", f"{KINDS[kind]}/{quote(own)}")[kind]["state"]
            if state == ENDED[0]:
                return f"the master reports {state}"
        raise wait.timed_out(state, f"{kind} {own}")

    def url(self, task_id: str) -> str:
        """Return the base URL of a task at the master's proxy."""
        return urljoin(self._url, f"proxy/{quote(self._ids.get(task_id, task_id))}/")

    def _source(self, kind: str) -> Mapping[str, Any]:
        """Return the experiments for a task of that kind; UsageError if none is given: the master returns 400 then."""
        if kind != "tensorboard":
            return {}
        if not self._experiments:
            raise UsageError("a TensorBoard needs an experiment of the master", hint="--experiment ID")
        return {"experimentIds": self._experiments}

    def _wait(self, kind: str, task_id: str) -> Mapping[str, Any]:
        """Return a task when it runs. The API has no watch for that."""
        wait = settings.POD_READY
        state = ""
        for _ in attempts(wait):
            found: Mapping[str, Any] = self._ask("GET", f"{KINDS[kind]}/{quote(task_id)}")[kind]
            state = found["state"]
            if state == RUNNING:
                return found
            if state in ENDED:
                raise ScenarioFailed(f"task {task_id} ended: {found.get('exitStatus', '')}", where=self._url)
        raise wait.timed_out(state, f"{kind} {task_id}")

    def _running(self, found: Mapping[str, Any], kind: str) -> RunningTask:
        """Return a task from the API's data; only a shell has addresses."""
        managers = {pool: manager for manager, pool in self._pools.items()}
        pool = found.get("resourcePool", "")
        addresses = tuple(
            Address(each["host_ip"], int(each["host_port"]))
            for each in found.get("addresses") or ()
            if "host_ip" in each
        )
        tokens = parse_qs(urlsplit(found.get("serviceAddress", "")).query).get("token")
        authorization = f"token {tokens[0]}" if tokens else self._authorization
        return RunningTask(
            found["id"], kind, managers.get(pool, pool), found.get("username", ""), addresses, authorization
        )

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        reply = call(method, self._at(path), authorization=self._authorization, body=body)
        return accepted(reply, f"{method} {path}", self._url).json()

    def _at(self, path: str) -> str:
        return urljoin(self._url, f"api/v1/{path}")
