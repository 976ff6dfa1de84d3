"""Sends one HTTP request and returns the result as a value, even without a response. Redirects are not followed."""

import json
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from task_gateway.deferred import http
from task_gateway.errors import ScenarioFailed

REQUEST_SECONDS = 20.0


@dataclass(frozen=True)
class Reply:
    """The response. `status` is 0 if there was none, and `text` has the reason."""

    status: int
    text: str

    def __str__(self) -> str:
        first = self.text.strip().splitlines()[:1]
        return f"{self.status or 'no answer'}: {first[0][:200] if first else 'empty'}"

    def json(self) -> Any:
        """Return the body as JSON; ScenarioFailed if it is not JSON."""
        try:
            return json.loads(self.text)
        except ValueError:
            raise ScenarioFailed(f"the answer is not JSON: {self}") from None


def call(method: str, url: str, *, authorization: str = "", body: Mapping[str, Any] | None = None) -> Reply:
    """Send one request; a `body` is sent as JSON."""
    parts = urlsplit(url)
    headers = {"Authorization": authorization} if authorization else {}
    data = None if body is None else json.dumps(body)
    if data is not None:
        headers["Content-Type"] = "application/json"
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    try:
        with closing(
            http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=REQUEST_SECONDS)
        ) as connection:
            connection.request(method, path, data, headers)
            answer = connection.getresponse()
            return Reply(answer.status, answer.read().decode(errors="replace"))
    except (OSError, http.client.HTTPException) as error:
        return Reply(0, str(error) or type(error).__name__)


def _connection(host: str, port: int | None) -> "http.client.HTTPConnection":
    return http.client.HTTPConnection(host, port, timeout=REQUEST_SECONDS)


def accepted(reply: Reply, what: str, where: str) -> Reply:
    """Return the reply if its status is 2xx; else raise ScenarioFailed with the request and the reply."""
    if not 200 <= reply.status < 300:
        raise ScenarioFailed(f"{what} failed: {reply}", where=where)
    return reply
