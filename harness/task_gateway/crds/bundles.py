"""Reads the CRDs of each Gateway API release from its Go module, which Go downloads and verifies once."""

import json
import zipfile
from dataclasses import dataclass
from typing import Any

from task_gateway.crds import schema
from task_gateway.deferred import yaml
from task_gateway.errors import CommandFailed, UsageError
from task_gateway.kube.process import run, tool
from task_gateway.model import Manifest

MODULE = "sigs.k8s.io/gateway-api"
CHANNELS = ("standard", "experimental")
KNOWN = (
    "v1.0.0", "v1.1.0", "v1.1.1", "v1.2.0", "v1.2.1", "v1.3.0", "v1.4.0", "v1.4.1",
    "v1.5.0", "v1.5.1", "v1.6.0", "v1.6.1", "v1.6.2", "v1.6.3", "v1.7.0",
)  # fmt: skip
"""All releases since v1.0.0 that are available as a module, oldest first."""


@dataclass(frozen=True)
class Bundle:
    """The CRDs of one release and channel, by name, and its admission policies."""

    version: str
    channel: str
    crds: dict[str, Manifest]
    policies: tuple[Manifest, ...] = ()


def fetch(version: str, channel: str) -> Bundle:
    """Return a release's CRDs; UsageError if there is no such release or channel, ToolMissing without Go."""
    if channel not in CHANNELS:
        raise UsageError(f"{channel!r} is not a channel of Gateway API", hint=f"known: {', '.join(CHANNELS)}")
    prefix = f"{MODULE}@{version}/config/crd/{channel}/"
    crds, policies = {}, []
    with zipfile.ZipFile(_archive(version)) as archive:
        for name in sorted(archive.namelist()):
            if not (name.startswith(prefix) and name.endswith(".yaml")):
                continue
            for obj in yaml.load_all(archive.read(name), Loader=_loader()):
                if obj and obj.get("kind") == schema.KIND.rpartition("/")[2]:
                    crds[obj["metadata"]["name"]] = obj
                elif obj and str(obj.get("kind")).startswith("ValidatingAdmissionPolicy"):
                    policies.append(obj)
    return Bundle(version, channel, crds, tuple(policies))


def _loader() -> Any:
    """Return the loader written in C, if available, because a bundle has several megabytes."""
    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _archive(version: str) -> str:
    """Return the path of the module's archive.

    Go refuses to unpack a module that requires a newer Go, but has already verified the archive, which is sufficient.
    """
    done = run([tool("go"), "mod", "download", "-json", f"{MODULE}@{version}"], check=False)
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        raise CommandFailed("go mod download failed", code=done.code, tail=done.stderr, where=MODULE) from None
    if "Zip" not in answer or "Sum" not in answer:
        raise UsageError(
            f"cannot download release {version} of Gateway API: {answer.get('Error', done.stderr)}",
            where=f"Go module {MODULE}",
            hint=f"known: {', '.join(KNOWN)}",
        )
    return str(answer["Zip"])
