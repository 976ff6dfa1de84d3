"""Runs the login command of a kubeconfig (`exec`) and keeps its credential until it expires, as kubectl does."""

import base64
import json
import shutil
import sys
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from task_gateway.errors import LoginFailed
from task_gateway.kube.kubeconfig import Access
from task_gateway.kube.process import Completed, attended
from task_gateway.model import Manifest

VERSIONS = ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1")
MODES = ("Never", "IfAvailable", "Always")
KIND = "ExecCredential"
EXTENSION = "client.authentication.k8s.io/exec"


@dataclass(frozen=True)
class Credential:
    """What a login command printed: a token, a client certificate with its key (PEM), or both."""

    token: str
    certificate: str
    key: str
    until: float  # seconds since 1970, infinite if it does not expire


class ExecLogin:
    """One login command; threads share its credential, and wait while it runs."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._settings: Manifest = access.user["exec"]
        self._version: str = self._settings.get("apiVersion") or ""
        self._command: str = self._settings.get("command") or ""
        self._mode = self._settings.get("interactiveMode") or ("" if self._version == VERSIONS[0] else MODES[1])
        self._check()
        self._found: Credential | None = None
        self._lock = threading.Lock()

    def credential(self) -> Credential:
        """Return the credential, from the command if there is none or it expired; LoginFailed if that fails."""
        with self._lock:
            if self._found is None or self._found.until < time.time():
                self._found = None
                self._found = self._run()
            return self._found

    def forget(self) -> None:
        """Run the command again for the next request."""
        with self._lock:
            self._found = None

    def _check(self) -> None:
        if not self._command:
            raise self._refuse("has no command")
        if self._version not in VERSIONS:
            raise self._refuse(f"has apiVersion {self._version!r}; supported: {', '.join(VERSIONS)}")
        if self._mode not in MODES:
            raise self._refuse(f"has interactiveMode {self._mode!r}; supported: {', '.join(MODES)}")
        texts = self._settings.get("args") or []
        pairs = self._settings.get("env") or []
        if not isinstance(texts, list) or not all(isinstance(each, str) for each in texts):
            raise self._refuse("has args that are not a list of strings")
        if not isinstance(pairs, list) or not all(isinstance(each, dict) and each.get("name") for each in pairs):
            raise self._refuse("has an env that is not a list of names and values")
        if shutil.which(self._command) is None:
            hint = " ".join(str(self._settings.get("installHint") or "").split()) or None
            who = f"the login command {self._command} of user {self._access.user_name!r}"
            raise self._access.refuse(f"{who} is not installed, or not executable", hint)

    def _refuse(self, reason: str) -> Exception:
        return self._access.refuse(f"exec of user {self._access.user_name!r} {reason}")

    def _run(self) -> Credential:
        interactive = self._mode != "Never" and sys.stdin is not None and sys.stdin.isatty()
        if self._mode == "Always" and not interactive:
            raise self._failed("it needs a terminal, and standard input is none")
        spec: Manifest = {"interactive": interactive}
        if self._settings.get("provideClusterInfo"):
            spec["cluster"] = cluster_info(self._access)
        asked = {"apiVersion": self._version, "kind": KIND, "spec": spec}
        env = {each["name"]: str(each.get("value") or "") for each in self._settings.get("env") or []}
        env["KUBERNETES_EXEC_INFO"] = json.dumps(asked)
        argv = [self._command, *(self._settings.get("args") or [])]
        try:
            done = attended(argv, env=env, interactive=interactive)
        except OSError as problem:
            raise self._failed(problem.strerror or str(problem)) from None
        if done.code != 0:
            raise self._failed(_last_line(done) or "it printed nothing", f"ended with exit code {done.code}")
        return self._read(done)

    def _read(self, done: Completed) -> Credential:
        """Parse the output as a credential. The text is never shown, because it may contain a token."""
        try:
            answer = json.loads(done.stdout)
        except ValueError:
            raise self._failed(_last_line(done, errors_only=True), f"printed no JSON of kind {KIND}") from None
        if not isinstance(answer, dict) or answer.get("kind") != KIND:
            raise self._failed("", f"printed no JSON of kind {KIND}")
        if answer.get("apiVersion") != self._version:
            raise self._failed("", f"printed apiVersion {answer.get('apiVersion')!r}, not {self._version}")
        status = answer.get("status")
        status = status if isinstance(status, dict) else {}
        texts = ("token", "clientCertificateData", "clientKeyData")
        token, certificate, key = (str(status.get(each) or "") for each in texts)
        if not token and not certificate and not key:
            raise self._failed("", "printed neither a token nor a client certificate")
        if bool(certificate) != bool(key):
            raise self._failed("", "printed only one of client certificate and key")
        if not all("!" <= each <= "~" for each in token):
            raise self._failed("", "printed a token that has other characters than printable ASCII")
        try:
            return Credential(token, certificate, key, _until(status))
        except ValueError:
            raise self._failed("", "printed an expirationTimestamp that is not a time") from None

    def _failed(self, reason: str, what: str = "failed") -> LoginFailed:
        message = f"the login command {self._command} {what}{': ' if reason else ''}{reason}"
        return LoginFailed(message, where=self._access.source)


_known: dict[str, ExecLogin] = {}
_known_lock = threading.Lock()


def exec_login(access: Access) -> ExecLogin:
    """Return the login command of a user. Equal commands share an instance, which runs once per program."""
    command = access.user["exec"]
    cluster = access.cluster if command.get("provideClusterInfo") else None
    key = json.dumps([command, cluster], sort_keys=True, default=str)
    with _known_lock:
        if key not in _known:
            _known[key] = ExecLogin(access)
        return _known[key]


def cluster_info(access: Access) -> Manifest:
    """Return the cluster entry for a login command, with its certificate authority as data."""
    entry = access.cluster
    kept = ("server", "tls-server-name", "insecure-skip-tls-verify", "proxy-url", "disable-compression")
    found: dict[str, Any] = {key: entry[key] for key in kept if entry.get(key)}
    if authority := access.content("certificate-authority"):
        found["certificate-authority-data"] = base64.b64encode(authority).decode()
    for extension in entry.get("extensions") or []:
        if extension.get("name") == EXTENSION:
            found["config"] = extension.get("extension")
    return found


def _until(status: Manifest) -> float:
    stamp = status.get("expirationTimestamp")
    if not stamp:
        return float("inf")
    found = datetime.fromisoformat(str(stamp))
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def _last_line(done: Completed, *, errors_only: bool = False) -> str:
    text = done.stderr.strip() or ("" if errors_only else done.stdout.strip())
    return text.splitlines()[-1].strip() if text else ""
