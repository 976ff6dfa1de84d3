"""Kubeconfigs of many kinds for one control plane, and the user that kubectl and this library get from each."""

import base64
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from tests.certificates import Authority

from task_gateway.errors import TaskGatewayError
from task_gateway.kube.client import Kube
from task_gateway.kube.kubeconfig import choose
from task_gateway.kube.process import run, tool
from task_gateway.model import Manifest

NAME = "here"
REVIEW = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview", "metadata": {}}
Identity = Manifest


@dataclass(frozen=True)
class KubeconfigFolder:
    """A control plane that trusts a certificate authority for clients, and a folder for the files of one kubeconfig."""

    kube: Kube
    clients: Authority
    folder: Path

    @property
    def cluster(self) -> Manifest:
        """The cluster entry of the administrator's kubeconfig."""
        found: Manifest = self._admin["clusters"][0]["cluster"]
        return found

    @property
    def user(self) -> Manifest:
        """The user entry of the administrator's kubeconfig."""
        found: Manifest = self._admin["users"][0]["user"]
        return found

    @property
    def _admin(self) -> Manifest:
        content: Manifest = yaml.safe_load(self.kube.cluster.kubeconfig.read_text())
        return content

    def file(self, name: str, text: str | bytes, mode: int = 0o600) -> str:
        """Write a file of the folder and return its path."""
        path = self.folder / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        path.chmod(mode)
        return str(path)

    def command(self, name: str, script: str) -> Manifest:
        """Write a login command and return the user entry that runs it."""
        path = self.file(name, f"#!/bin/sh\n{script}\n", 0o755)
        return {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": path, "interactiveMode": "Never"}}

    def credential(self, **status: str) -> str:
        """Return a script that prints a credential."""
        version = "client.authentication.k8s.io/v1"
        return f"echo '{json.dumps({'apiVersion': version, 'kind': 'ExecCredential', 'status': status})}'"

    def account(self, name: str) -> str:
        """Create a ServiceAccount and return a token of it."""
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": "default"}}
        self.kube.apply(account)
        return self.kube.token(name, "default")

    def write(self, name: str, content: object) -> Path:
        """Write a kubeconfig and return its path."""
        return Path(self.file(name, content if isinstance(content, str) else yaml.safe_dump(content)))


def config(cluster: Manifest, user: Manifest, **more: object) -> Manifest:
    """Return a kubeconfig with one context."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": NAME,
        "contexts": [{"name": NAME, "context": {"cluster": NAME, "user": NAME}}],
        "clusters": [{"name": NAME, "cluster": cluster}],
        "users": [{"name": NAME, "user": user}],
        **more,
    }


def encoded(content: bytes) -> str:
    """Return bytes encoded as in a field `…-data`."""
    return base64.b64encode(content).decode()


def by_kubectl(environment: Mapping[str, str], *words: str) -> Identity | None:
    """Return the user of kubectl at the API server, None if kubectl or the API server refuses."""
    done = run([tool("kubectl"), *words, "auth", "whoami", "-o", "json"], env=environment, check=False, timeout=60)
    return _plain(json.loads(done.stdout)) if done.code == 0 else None


def by_us(kubeconfig: Path | None = None, context: str | None = None) -> Identity | TaskGatewayError:
    """Return the user of this library at the API server, or its error."""
    try:
        return _plain(Kube(choose(kubeconfig, context)).create(REVIEW))
    except TaskGatewayError as problem:
        return problem


def environment(**more: str) -> dict[str, str]:
    """Return an environment without a kubeconfig and a proxy."""
    unset = ("KUBECONFIG", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "no_proxy")
    return {**dict.fromkeys(unset, ""), "PATH": os.environ["PATH"], **more}


def _plain(review: Any) -> Identity:
    """Return the user of a review without the fields that differ between tokens."""
    user: Manifest = review["status"]["userInfo"]
    extra = {key: value for key, value in (user.get("extra") or {}).items() if "credential-id" not in key}
    return {**user, "groups": sorted(user.get("groups") or []), "extra": extra}
