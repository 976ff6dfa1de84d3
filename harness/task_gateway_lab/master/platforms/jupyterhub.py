"""JupyterHub as a platform, over its public REST API: each task is a named server of a user.

The login's password is an API token with the scopes `admin:users`, `admin:servers` and `access:servers`. A hub spawns
into one cluster. A task's resource manager and its pool have no effect here. The API reports no address of a
server: notebooks are reached through the hub's proxy.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import quote, urljoin

from task_gateway import settings
from task_gateway.errors import ScenarioFailed, TaskGatewayError, UsageError
from task_gateway.polling import attempts
from task_gateway_lab.master.exchange import Reply, accepted, call
from task_gateway_lab.master.platform import RunningTask, TaskRequest
from task_gateway_lab.master.platforms.base import PLATFORMS, PlatformLogin

KIND = "notebook"
CONFLICT, NOT_FOUND = 409, 404
READY = "ready"
EVENT = "data: "


@PLATFORMS.register("jupyterhub")
class JupyterHub:
    """A hub, used with one API token. A task without an owner belongs to the user of the login."""

    def __init__(self, login: PlatformLogin) -> None:
        self._url = login.url.rstrip("/") + "/"
        self._authorization = f"token {login.password}"
        self._user = login.user
        self._manager = next(iter(login.pools), "")
        self._servers: dict[str, tuple[str, str]] = {}

    def version(self) -> str:
        """Return the hub's version."""
        return str(self._ask("GET", "")["version"])

    def launch(self, request: TaskRequest) -> RunningTask:
        """Start a named server and return it when it answers. On an error, which has the hub's message, remove it."""
        if request.kind != KIND:
            raise UsageError(f"a JupyterHub runs no {request.kind}", hint=f"choose scenarios that start a {KIND}")
        owner = request.owner or self._user
        self._servers[request.id] = owner, request.id
        made = self._call("POST", f"users/{quote(owner)}")
        if made.status != CONFLICT:
            accepted(made, f"creating the user {owner}", self._url)
        try:
            accepted(self._call("POST", self._server(request.id), {}), f"spawning {request.id}", self._url)
            return self.follow(request.id)
        except BaseException:
            with suppress(TaskGatewayError):
                self.kill(request.id)
            raise

    def follow(self, task_id: str) -> RunningTask:
        """Read the hub's progress events of a spawn to the end, and return the server."""
        reply = self._call("GET", f"{self._server(task_id)}/progress")
        last = progress(accepted(reply, f"following the spawn of {task_id}", self._url).text)[-1:]
        if not last or not last[0].get("ready"):
            raise ScenarioFailed(last[0]["message"] if last else "the hub reports no progress", where=self._url)
        return self._running(task_id)

    def tasks(self) -> list[RunningTask]:
        """Return the ready servers of all users; a user's default server has the user's name."""
        found = []
        for user in self._ask("GET", "users?state=ready"):
            for name in (each["name"] for each in user["servers"].values() if each["ready"]):
                task_id = name or user["name"]
                self._servers[task_id] = user["name"], name
                found.append(self._running(task_id))
        return found

    def kill(self, task_id: str) -> None:
        """Stop a server, if it exists, and delete its name."""
        _, name = self._named(task_id)
        reply = self._call("DELETE", self._server(task_id), {"remove": True} if name else {})
        if reply.status != NOT_FOUND:
            accepted(reply, f"stopping {task_id}", self._url)

    def restart(self) -> None:
        """Raise an error, because a test must not restart a hub that others use."""
        raise UsageError("a JupyterHub is not restarted from here", hint="leave out the scenarios that need it")

    def gone(self, task_id: str) -> str:
        """Return the hub's reply when it does not know the server any more. The API has no watch for that."""
        self._wait_for(task_id, {""})
        return f"the hub has no server {task_id}"

    def settled(self, task_id: str) -> bool:
        """Wait until nothing is pending, and return whether a server is ready. A starting hub checks its servers."""
        return self._wait_for(task_id, {"", READY}) == READY

    def url(self, task_id: str) -> str:
        """Return the base URL of a server at the hub's proxy."""
        parts = [quote(each) for each in self._named(task_id) if each]
        return urljoin(self._url, f"user/{'/'.join(parts)}/")

    def _wait_for(self, task_id: str, wanted: set[str]) -> str:
        """Wait until the state of a server is one of these, and return it: READY, empty if none, or what is pending."""
        wait, state = settings.POD_GONE, ""
        owner, name = self._named(task_id)
        for _ in attempts(wait):
            servers = self._ask("GET", f"users/{quote(owner)}")["servers"]
            state = (servers[name]["pending"] or READY) if name in servers else ""
            if state in wanted:
                return state
        raise wait.timed_out(state, f"server {task_id}")

    def _running(self, task_id: str) -> RunningTask:
        owner, _ = self._named(task_id)
        return RunningTask(task_id, KIND, self._manager, owner, (), self._authorization)

    def _named(self, task_id: str) -> tuple[str, str]:
        """Return the user and the name of a server; an unknown one belongs to the user of the login."""
        return self._servers.get(task_id, (self._user, task_id))

    def _server(self, task_id: str) -> str:
        owner, name = self._named(task_id)
        return f"users/{quote(owner)}/servers/{quote(name)}"

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        return accepted(self._call(method, path, body), f"{method} {path}", self._url).json()

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Reply:
        url = urljoin(self._url, f"hub/api/{path}")
        return call(method, url, authorization=self._authorization, body=body)


def progress(stream: str) -> list[Mapping[str, Any]]:
    """Return the events of a spawn that the hub streamed. Text without a newline may precede the first one."""
    return [json.loads(line.partition(EVENT)[2]) for line in stream.splitlines() if EVENT in line]
