"""Reads the machine and the versions that measurements are recorded with."""

import os
import platform
from collections.abc import Mapping
from pathlib import Path

from task_gateway import images
from task_gateway.kube.client import Kube
from task_gateway.kube.kinds import POD
from task_gateway.probe.versions import crd_versions, image_versions

GIB = 1 << 30


def machine() -> dict[str, str]:
    """Return the properties of the machine that readers compare with their own."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIB
    return {
        "cores": str(os.cpu_count()),
        "cpu": processor(Path("/proc/cpuinfo").read_text("utf-8")),
        "memory": f"{memory:.0f} GiB",
        "kernel": platform.release(),
        "engine": images.load().engine,
    }


def processor(cpuinfo: str) -> str:
    """Return the name of the first processor, as reported by the kernel."""
    for line in cpuinfo.splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            return value.strip()
    return platform.machine()


def versions(kube: Kube, namespace: str) -> dict[str, str]:
    """Return the versions of the cluster, of its Gateway API, and of the gateway's components in a namespace."""
    return crd_versions(kube) | image_versions(kube.list(POD, namespace))


def note(versions: dict[str, str], found: Mapping[str, str]) -> None:
    """Add versions to those of a run. If a component has several versions, all are listed."""
    for name, version in found.items():
        known = versions.setdefault(name, version)
        if version not in known.split(" and "):
            versions[name] = f"{known} and {version}"
