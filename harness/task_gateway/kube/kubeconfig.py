"""Finds an API server and its user in kubeconfig files, with kubectl's rules for files, entries and paths."""

import base64
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from task_gateway.deferred import yaml
from task_gateway.errors import UsageError
from task_gateway.kube import in_cluster
from task_gateway.model import Cluster, Manifest

SECTIONS = {"clusters": "cluster", "contexts": "context", "users": "user"}
TYPES: dict[str, type] = {
    "as-groups": list,
    "as-user-extra": dict,
    "auth-provider": dict,
    "exec": dict,
    "extensions": list,
    "disable-compression": bool,
    "insecure-skip-tls-verify": bool,
}
"""The type of each field that is not a string."""
PATHS = ("certificate-authority", "client-certificate", "client-key", "tokenFile")


@dataclass(frozen=True)
class Access:
    """One context of a kubeconfig: its `cluster` and its `user`, with absolute paths, without fields that are null.

    `source` is the file with the cluster, or the directory of a pod's ServiceAccount.
    """

    context: str
    cluster_name: str
    user_name: str
    cluster: Manifest
    user: Manifest
    source: str

    def content(self, field: str) -> bytes | None:
        """Return the content of a field (a file) or of its `-data` (Base64), None if neither is set.

        UsageError if both are set, or if it cannot be read.
        """
        file, data = (self.cluster.get(key) or self.user.get(key) for key in (field, f"{field}-data"))
        if file and data:
            raise self.refuse(f"{field} and {field}-data are both set; only one of them may be")
        try:
            if data:
                return base64.b64decode("".join(data.split()), validate=True)
            return Path(file).read_bytes() if file else None
        except (OSError, ValueError) as problem:
            raise self.refuse(f"{field}{'-data' if data else ''}: {problem}") from None

    def refuse(self, reason: str, hint: str | None = None) -> UsageError:
        """Return the error with the reason why this cannot be used."""
        return refusal(self.source, reason, hint)


@dataclass
class _Merged:
    """The entries of all files by section and name, each with its file; the first file takes precedence."""

    files: list[Path] = field(default_factory=list)
    current: str = ""
    entries: dict[str, dict[str, tuple[Path, Manifest]]] = field(
        default_factory=lambda: {section: {} for section in SECTIONS}
    )

    @property
    def source(self) -> str:
        return os.pathsep.join(map(str, self.files))


def choose(kubeconfig: Path | None, context: str | None) -> Cluster:
    """Return the cluster that kubectl would use with this `--kubeconfig` and `--context`, None for none.

    The kubeconfig defaults to KUBECONFIG (several files are merged, missing and empty ones skipped), else to
    ~/.kube/config, else to the ServiceAccount of the pod that this runs in. UsageError if there is none of these.
    """
    if kubeconfig is not None:
        named = context or current_context(kubeconfig)
        return Cluster(named, "existing", kubeconfig, named)
    merged = _merge(_default_files(), required=False)
    named = context or merged.current
    if not named and in_cluster.possible():
        return Cluster(in_cluster.NAME, "existing", in_cluster.DIRECTORY, default_rules=True)
    files = [file for file, _ in _entries(merged, named)]
    return Cluster(named, "existing", files[0], named, default_rules=len(set(files)) > 1)


def access_of(cluster: Cluster) -> Access:
    """Return the entries of a cluster in its kubeconfig; UsageError if the file or an entry does not exist."""
    if cluster.default_rules and not cluster.context:
        fields = {"cluster": in_cluster.cluster(), "user": in_cluster.user()}
        return Access("", in_cluster.NAME, in_cluster.NAME, **fields, source=str(in_cluster.DIRECTORY))
    files = _default_files() if cluster.default_rules else [cluster.kubeconfig]
    merged = _merge(files, required=not cluster.default_rules)
    name = cluster.context or merged.current
    (_, context), (file, found), *user = _entries(merged, name)
    return Access(
        context=name,
        cluster_name=context["cluster"],
        user_name=context.get("user") or "",
        cluster=_checked(file, f"cluster {context['cluster']!r}", found),
        user=_checked(user[0][0], f"user {context['user']!r}", user[0][1]) if user else {},
        source=str(file),
    )


def current_context(kubeconfig: Path) -> str:
    """Return the name of a kubeconfig's current context; UsageError if it cannot be read or has none."""
    merged = _merge([kubeconfig], required=True)
    list(_entries(merged, merged.current))
    return merged.current


def refusal(source: str, reason: str, hint: str | None = None) -> UsageError:
    """Return the error with the reason why a kubeconfig cannot be used."""
    reason = " ".join(reason.split())
    return UsageError(f"cannot use the kubeconfig: {reason}", where=source, hint=hint or _contexts(source))


def _contexts(source: str) -> str:
    file = "" if os.pathsep in source else f" --kubeconfig {source}"
    return f"kubectl{file} config get-contexts"


def _default_files() -> list[Path]:
    named = os.environ.get("KUBECONFIG", "")
    if not named:
        return [Path.home() / ".kube" / "config"]
    return [Path(each) for each in dict.fromkeys(named.split(os.pathsep)) if each]


def _merge(files: Sequence[Path], *, required: bool) -> _Merged:
    merged = _Merged(list(files))
    for file in files:
        with _readable(file):
            try:
                content = _parsed(file.read_bytes())
            except FileNotFoundError:
                if required:
                    raise
                continue
        if content is None and not required:
            continue
        if not isinstance(content, dict):
            raise refusal(str(file), "it is empty" if content is None else "it is not a YAML mapping")
        _add(merged, file, content)
    return merged


def _parsed(text: bytes) -> object:
    """Return the first document of a file, None if there is none. JSON may be indented with tabs, YAML may not."""
    if text.lstrip().startswith(b"{"):
        with suppress(ValueError):
            return cast(object, json.loads(text))
    return next(iter(yaml.safe_load_all(text)), None)


def _add(merged: _Merged, file: Path, content: dict[str, Any]) -> None:
    if (content.get("apiVersion") or "v1", content.get("kind") or "Config") != ("v1", "Config"):
        raise refusal(str(file), f"it is a {content.get('apiVersion')} {content.get('kind')}, not a v1 Config")
    merged.current = merged.current or _named(file, "current-context", content.get("current-context") or "")
    for section, key in SECTIONS.items():
        own: dict[str, tuple[Path, Manifest]] = {}
        for entry in _list(file, section, content.get(section)):
            name = _named(file, f"a name of {section}", entry.get("name"))
            if name in own:
                raise refusal(str(file), f"{section} has two entries called {name!r}")
            if not isinstance(found := entry.get(key) or {}, dict):
                raise refusal(str(file), f"{key} {name!r} is not a mapping")
            own[name] = (file, found)
        merged.entries[section] = own | merged.entries[section]


def _entries(merged: _Merged, name: str) -> Iterator[tuple[Path, Manifest]]:
    """Yield the context, its cluster and, if it has one, its user, each with the file that it is in."""
    if not name:
        if any(merged.entries["contexts"]):
            raise refusal(merged.source, "it has no current-context")
        none = "there is none, and this is not a pod that has a token of its ServiceAccount"
        raise refusal(merged.source, none, "name one with --kubeconfig FILE, or set KUBECONFIG")
    context = _entry(merged, "contexts", name)
    yield context
    for section, key in (("clusters", "cluster"), ("users", "user")):
        wanted = context[1].get(key) or ""
        if wanted:
            yield _entry(merged, section, _named(context[0], f"{key} of context {name!r}", wanted))
        elif key == "cluster":
            raise refusal(merged.source, f"context {name!r} names no cluster")


def _entry(merged: _Merged, section: str, name: str) -> tuple[Path, Manifest]:
    if name not in merged.entries[section]:
        raise refusal(merged.source, f"{section} has no entry called {name!r}")
    return merged.entries[section][name]


def _checked(file: Path, where: str, entry: Manifest) -> Manifest:
    """Return the fields that are set, with their types checked and the paths that are relative to the file resolved."""
    found = {key: value for key, value in entry.items() if value is not None}
    for key, value in found.items():
        wanted = TYPES.get(key, str)
        if not isinstance(value, wanted):
            raise refusal(str(file), f"{key} of {where} is not a {wanted.__name__}")
    folder = file.absolute().parent
    for key in PATHS:
        if found.get(key):
            found[key] = str(folder / found[key])
    command = (found.get("exec") or {}).get("command")
    if isinstance(command, str) and os.sep in command:
        found["exec"] = found["exec"] | {"command": str(folder / command)}
    return found


def _list(file: Path, section: str, value: object) -> list[dict[str, Any]]:
    found = value or []
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise refusal(str(file), f"{section} is not a list of mappings")
    return found


def _named(file: Path, what: str, value: object) -> str:
    if not isinstance(value, str):
        raise refusal(str(file), f"{what} is not a string")
    return value


@contextmanager
def _readable(file: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, yaml.YAMLError) as problem:
        raise refusal(str(file), str(problem)) from None
