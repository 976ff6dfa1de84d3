"""A client of one API server, with the connections and credentials of a kubeconfig. Objects are dictionaries."""

import builtins
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar, cast
from urllib.parse import quote, urlencode

from task_gateway.deferred import urllib3
from task_gateway.errors import ApiError, ClusterUnreachable, NotFound
from task_gateway.kube.mapping import map_status
from task_gateway.kube.transport import Transport
from task_gateway.model import Cluster, Manifest
from task_gateway.settings import DEFAULTS, Settings

IDLE_SECONDS = 30.0  # between bytes
FIRST_ERROR = 300
BUSY, BUSY_ATTEMPTS = 429, 10  # as many as client-go makes
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"  # JSON is YAML
Manifests = list[Manifest]
T = TypeVar("T")
Read = tuple[list[T], str]


class Kube:
    """The API server of one cluster. Kinds are written `v1/Service`, `apps/v1/Deployment`: apiVersion, slash, kind."""

    def __init__(self, cluster: Cluster, settings: Settings = DEFAULTS) -> None:
        self.cluster = cluster
        self.settings = settings
        """The default settings of each TaskGateway that uses this connection."""
        self._transport = Transport(cluster)
        self.server: str = self._transport.server
        self._resources: dict[str, dict[str, Manifest]] = {}
        self.sending: Callable[[str, str], object] | None = None
        """Called with the method and the resource of each request: `PATCH`, `pods/status`; a watch is a `WATCH`."""

    def version(self) -> str:
        """Return the API server's version, such as `v1.36.3`."""
        return cast(str, self._request("GET", "/version", "the version")["gitVersion"])

    def ready(self) -> str | None:
        """Return None if /readyz of the API server reports ready, else its response or the error."""
        try:
            return self.unready()
        except ClusterUnreachable as problem:
            return problem.message

    def unready(self) -> str | None:
        """Return None if the API server is ready, else its response; ClusterUnreachable without a response."""
        try:
            said = self._text("/readyz", "/readyz")
        except ApiError as problem:
            return problem.message
        return None if said == "ok" else said

    def served(self, kind: str) -> bool:
        """Return whether the API server serves this version of this kind."""
        try:
            self._path(kind, None)
        except NotFound:
            return False
        return True

    def get(self, kind: str, name: str, namespace: str | None = None) -> Manifest:
        """Return one object; NotFound if there is none."""
        return self._request("GET", self._path(kind, namespace, name), _where(kind, namespace, name))

    def find(self, kind: str, name: str, namespace: str | None = None) -> Manifest | None:
        """Return one object, None if there is none, or no such kind."""
        try:
            return self.get(kind, name, namespace)
        except NotFound:
            return None

    def list(self, kind: str, namespace: str | None = None, labels: str = "") -> list[Manifest]:
        """Return the objects of a kind in one namespace, or in all, that match the label selector."""
        return self.snapshot(kind, namespace, labels=labels)[0]

    def snapshot(
        self, kind: str, namespace: str | None = None, *, name: str | None = None, labels: str = ""
    ) -> tuple[Manifests, str]:
        """Return all matching objects, and the resourceVersion of the list, from which a watch continues."""
        query = _selection(name, labels)
        answer = self._request("GET", self._path(kind, namespace), _where(kind, namespace), query=query)
        version, _, word = kind.rpartition("/")
        objects = [{"apiVersion": version, "kind": word, **item} for item in answer["items"]]
        return objects, answer["metadata"]["resourceVersion"]

    def paged(
        self, kind: str, namespace: str | None, read: Callable[[Manifest], T], *, labels: str = "", page: int
    ) -> Read[T]:
        """Return the result of `read` for each matching object, and the resourceVersion of the list.

        The API server returns `page` objects at a time, to limit how many are in memory at once. ApiError of
        status 410 if reading takes so long that it has forgotten that version.
        """
        found: builtins.list[T] = []
        query = _selection(None, labels) | {"limit": str(page)}
        while True:
            answer = self._request("GET", self._path(kind, namespace), _where(kind, namespace), query=query)
            found += map(read, answer["items"])
            if not (more := answer["metadata"].get("continue")):
                return found, answer["metadata"]["resourceVersion"]
            query["continue"] = more

    def create(self, obj: Manifest, *, dry_run: bool = False) -> Manifest:
        """Create an object; AlreadyExists if its name is taken. A dry run is admitted and validated, but not stored."""
        kind, namespace = kind_of(obj), obj["metadata"].get("namespace")
        where = _where(kind, namespace, obj["metadata"].get("name"))
        return self._request("POST", self._path(kind, namespace), where, query=_dry(dry_run), body=obj)

    def replace(self, obj: Manifest, *, subresource: str = "", dry_run: bool = False) -> Manifest:
        """Replace an object, or its `status`; with `metadata.resourceVersion`, Conflict if it has changed."""
        kind, namespace, name = kind_of(obj), obj["metadata"].get("namespace"), obj["metadata"]["name"]
        path = "/".join(part for part in (self._path(kind, namespace, name), subresource) if part)
        return self._request("PUT", path, _where(kind, namespace, name), query=_dry(dry_run), body=obj)

    def apply(self, obj: Manifest, *, field_manager: str = "task-gateway", dry_run: bool = False) -> Manifest:
        """Apply an object by server-side apply, and take ownership of its fields."""
        kind, namespace, name = kind_of(obj), obj["metadata"].get("namespace"), obj["metadata"]["name"]
        query = {"fieldManager": field_manager, "force": "true", **_dry(dry_run)}
        return self._request(
            "PATCH",
            self._path(kind, namespace, name),
            _where(kind, namespace, name),
            query=query,
            body=obj,
            content_type=APPLY_PATCH,
        )

    def patch(
        self,
        kind: str,
        name: str,
        namespace: str | None,
        body: Manifest,
        *,
        strategic: bool = False,
        subresource: str = "",
    ) -> Manifest:
        """Patch an object with `body`, or a subresource, such as `status`, which requires only that permission.

        With `metadata.resourceVersion` in it, Conflict if the object has changed; with `metadata.uid`, Conflict if it
        is another object of that name.
        """
        return self._request(
            "PATCH",
            "/".join(part for part in (self._path(kind, namespace, name), subresource) if part),
            _where(kind, namespace, name),
            body=body,
            content_type=STRATEGIC_PATCH if strategic else MERGE_PATCH,
        )

    def delete(
        self, kind: str, name: str, namespace: str | None = None, *, missing_ok: bool = True, uid: str | None = None
    ) -> None:
        """Delete an object and, in the background, its dependents; with `uid`, Conflict if its uid is another."""
        body: Manifest = {"propagationPolicy": "Background"}
        if uid is not None:
            body["preconditions"] = {"uid": uid}
        try:
            self._request("DELETE", self._path(kind, namespace, name), _where(kind, namespace, name), body=body)
        except NotFound:
            if not missing_ok:
                raise

    def watch(
        self,
        kind: str,
        namespace: str | None = None,
        *,
        name: str | None = None,
        labels: str = "",
        seconds: float,
        version: str | None = None,
    ) -> Iterator[tuple[str, Manifest]]:
        """Yield (ADDED | MODIFIED | DELETED, object): first what is there, then each change, for `seconds`.

        With the `version` of a snapshot only what changed since, and now and then a BOOKMARK, whose object has nothing
        but its version. ApiError of status 410 if that version is too old.
        """
        where = _where(kind, namespace, name)
        query = {"watch": "true", "timeoutSeconds": str(max(1, round(seconds))), **_selection(name, labels)}
        if version is not None:
            query |= {"resourceVersion": version, "allowWatchBookmarks": "true"}
        response = self._send("GET", self._path(kind, namespace), where, query=query, idle=seconds + IDLE_SECONDS)
        try:
            with self._mapped():
                for line in _lines(response):
                    event = json.loads(line)
                    if event["type"] == "ERROR":
                        raise map_status(event["object"].get("code", 0), json.dumps(event["object"]), where)
                    yield event["type"], event["object"]
        finally:
            response.close()

    def logs(
        self, pod: str, namespace: str, *, container: str | None = None, lines: int = 200, previous: bool = False
    ) -> str:
        """Return the last lines of a container's log; with `previous`, of the log before its last restart."""
        query = {"tailLines": str(lines), **({"container": container} if container else {})}
        query |= {"previous": "true"} if previous else {}
        where = f"the log of pod {namespace}/{pod}"
        path = f"{self._path('v1/Pod', namespace, pod)}/log"
        return self._text(path, where, query=query)

    def token(self, service_account: str, namespace: str, seconds: int = 600) -> str:
        """Return a token of a ServiceAccount with that lifetime."""
        path = f"{self._path('v1/ServiceAccount', namespace, service_account)}/token"
        body = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": seconds},
        }
        answer = self._request("POST", path, _where("v1/ServiceAccount", namespace, service_account), body=body)
        return cast(str, answer["status"]["token"])

    def _request(
        self,
        method: str,
        path: str,
        where: str,
        *,
        query: dict[str, str] | None = None,
        body: Manifest | None = None,
        content_type: str = "application/json",
    ) -> Manifest:
        response = self._send(method, path, where, query=query, body=body, content_type=content_type)
        with self._mapped():
            data = response.data
        try:
            return cast(Manifest, json.loads(data))
        except ValueError:
            raise ApiError("the answer is not JSON; is this an API server?", where=self.server) from None

    def _text(self, path: str, where: str, *, query: dict[str, str] | None = None) -> str:
        response = self._send("GET", path, where, query=query)
        with self._mapped():
            return response.data.decode(errors="replace")

    def _send(
        self,
        method: str,
        path: str,
        where: str,
        *,
        query: dict[str, str] | None = None,
        body: Manifest | None = None,
        content_type: str = "application/json",
        idle: float = IDLE_SECONDS,
    ) -> "urllib3.BaseHTTPResponse":
        """Send a request; repeat it while the API server is busy, after the pause that it requests."""
        target = f"{path}?{urlencode(query)}" if query else path
        headers = {"Accept": "application/json, */*", **({} if body is None else {"Content-Type": content_type})}
        data = None if body is None else json.dumps(body).encode()
        called = "WATCH" if query and "watch" in query else method
        attempt = 1
        while True:
            if self.sending is not None:
                self.sending(called, _resource_of(path))
            response = self._transport.send(method, target, headers, data, idle)
            if response.status < FIRST_ERROR:
                return response
            with self._mapped():
                said = response.data
            after = response.headers.get("Retry-After") if response.status == BUSY else None
            if after is None or attempt == BUSY_ATTEMPTS:
                raise map_status(response.status, said or response.reason, where)
            attempt += 1
            time.sleep(float(after))

    def _path(self, kind: str, namespace: str | None, name: str | None = None) -> str:
        resource = self._resource(kind)
        version = kind.rpartition("/")[0]
        parts = ["apis" if "/" in version else "api", version]
        if namespace is not None and resource["namespaced"]:
            parts += ["namespaces", quote(namespace, safe="")]
        parts.append(resource["name"])
        if name is not None:
            parts.append(quote(name, safe=""))
        return "/" + "/".join(parts)

    def _resource(self, kind: str) -> Manifest:
        version, _, name = kind.rpartition("/")
        if name not in self._resources.get(version, {}):  # read again if missing: a CRD may have been installed
            path = f"/apis/{version}" if "/" in version else f"/api/{version}"
            try:
                found = self._request("GET", path, self.server)["resources"]
            except NotFound:
                found = []
            self._resources[version] = {each["kind"]: each for each in found if "/" not in each["name"]}
        if name not in self._resources[version]:
            raise NotFound(f"the cluster does not serve {kind}", status=404, where=self.server)
        return self._resources[version][name]

    @contextmanager
    def _mapped(self) -> Iterator[None]:
        """Convert an interrupted response to ClusterUnreachable."""
        try:
            yield
        except (urllib3.exceptions.HTTPError, OSError) as problem:
            raise self._transport.unreachable(problem) from None


def _lines(response: "urllib3.BaseHTTPResponse") -> Iterator[bytes]:
    buffer = b""
    for chunk in response.stream(amt=None, decode_content=False):
        buffer += chunk
        *whole, buffer = buffer.split(b"\n")
        yield from (line for line in whole if line)


def _resource_of(path: str) -> str:
    """Return the resource of a path with its subresource, such as `pods/status`; empty if the path has none."""
    _, *parts = path.split("/")
    resource = parts[2 if parts[0] == "api" else 3 :]
    if resource[:1] == ["namespaces"] and len(resource) > 2:
        resource = resource[2:]
    return "/".join(resource[::2])


def _selection(name: str | None, labels: str) -> dict[str, str]:
    chosen = {"labelSelector": labels} if labels else {}
    return chosen if name is None else chosen | {"fieldSelector": f"metadata.name={name}"}


def _dry(dry_run: bool) -> dict[str, str]:
    return {"dryRun": "All"} if dry_run else {}


def kind_of(obj: Manifest) -> str:
    """Return the kind of an object with its version, as this client names kinds."""
    return f"{obj['apiVersion']}/{obj['kind']}"


def _where(kind: str, namespace: str | None, name: str | None = None) -> str:
    return f"{kind} {'/'.join(part for part in (namespace, name) if part)}".strip()
