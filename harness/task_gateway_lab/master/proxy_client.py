"""The master's table of tasks, seen from outside: which task answers where, and what its proxy says of it."""

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
        """Let the proxy dial `address` for the task."""
        reply = self._table("PUT", task_id, {"host": address.host, "port": address.port})
        accepted(reply, f"registering task {task_id}", self.url)

    def forget(self, task_id: str) -> None:
        """Take the task off the table; one that is not there is fine."""
        accepted(self._table("DELETE", task_id), f"forgetting task {task_id}", self.url)

    def notebook_url(self, task_id: str) -> str:
        """Return the base URL of a task, with a slash at its end."""
        return f"{self.url}/proxy/{quote(task_id)}/"

    def wait_until(self, task_id: str, status: int, wait: Wait) -> Reply:
        """Return the proxy's reply for a task once it has that status; WaitTimeout has the last one."""
        return wait_for_reply(lambda: call("GET", f"{self.notebook_url(task_id)}api"), status, wait, self.url)

    def _table(self, method: str, task_id: str, body: dict[str, str | int] | None = None) -> Reply:
        url = f"{self.url}/tasks/{quote(task_id)}"
        return call(method, url, authorization=self._authorization, body=body)


def wait_for_reply(ask: Callable[[], Reply], status: int, wait: Wait, where: str) -> Reply:
    """Ask until the reply has that status. Nothing announces an HTTP answer, hence the short pauses."""
    reply = None
    for _ in attempts(wait):
        reply = ask()
        if reply.status == status:
            return reply
    raise wait.timed_out(str(reply), where)
