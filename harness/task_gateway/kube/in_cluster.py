"""The API server from inside a pod: the address in the environment, and the files of the pod's ServiceAccount."""

import os
from pathlib import Path

from task_gateway.model import Manifest

NAME = "in-cluster"
DIRECTORY = Path("/var/run/secrets/kubernetes.io/serviceaccount")


def possible() -> bool:
    """Whether this runs in a pod that has a token of its ServiceAccount."""
    return bool(_host() and _port() and (DIRECTORY / "token").is_file())


def cluster() -> Manifest:
    """Return the API server as the cluster entry of a kubeconfig."""
    host = f"[{_host()}]" if ":" in _host() else _host()
    authority = DIRECTORY / "ca.crt"
    trusted = {"certificate-authority": str(authority)} if authority.is_file() else {}
    return {"server": f"https://{host}:{_port()}", **trusted}


def user() -> Manifest:
    """Return the ServiceAccount as the user entry of a kubeconfig; its token file rotates."""
    return {"tokenFile": str(DIRECTORY / "token")}


def _host() -> str:
    return os.environ.get("KUBERNETES_SERVICE_HOST", "")


def _port() -> str:
    return os.environ.get("KUBERNETES_SERVICE_PORT", "")
