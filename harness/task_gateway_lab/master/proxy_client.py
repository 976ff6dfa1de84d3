"""A client of the stand-in master's proxy: sets the address of each task, and reads the proxy's replies for it."""

from collections.abc import Callable
from urllib.parse import quote

from task_gateway.model import Address
from task_gateway.polling import attempts
from task_gateway.settings import Wait
from task_gateway_lab.master.exchange import Reply, accepted, call


class ProxyClient:
    """A master's proxy at `url` (http://host:port); `token` guards its table."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url.rstrip("/")
        self._authorization = f"Bearer {token}"

    def register(self, task_id: str, address: Address) -> None:
        """Make the proxy connect to `address` for the task."""
        reply = self._table("PUT", task_id, {"host": address.host, "port": address.port})
        accepted(reply, f"registering task {task_id}", self.url)

    def forget(self, task_id: str) -> None:
        """Remove the task from the table, if it is there."""
        accepted(self._table("DELETE", task_id), f"forgetting task {task_id}", self.url)

    def notebook_url(self, task_id: str) -> str:
        """Return the base URL of a task, with a slash at its end."""
        return f"{self.url}/proxy/{quote(task_id)}/"

    def wait_until(self, task_id: str, status: int, wait: Wait) -> Reply:
        """Return the proxy's reply for a task when it has that status; WaitTimeout has the last one."""
        return wait_for_reply(lambda: call("GET", f"{self.notebook_url(task_id)}api"), status, wait, self.url)

    def _table(self, method: str, task_id: str, body: dict[str, str | int] | None = None) -> Reply:
        url = f"{self.url}/tasks/{quote(task_id)}"
        return call(method, url, authorization=self._authorization, body=body)


def wait_for_reply(ask: Callable[[], Reply], status: int, wait: Wait, where: str) -> Reply:
    """Repeat the request until the reply has that status, with short pauses, because it cannot be watched."""
    reply = None
    for _ in attempts(wait):
        reply = ask()
        if reply.status == status:
            return reply
    raise wait.timed_out(str(reply), where)
