"""The host programs of a run in pull mode: programs are downloaded instead of compiled if possible.

kind, helm and kubectl come from PATH if they have the pinned version, else from their released archives, else from
their Go modules. kube-apiserver, etcd and kubectl come from their images on Linux.
"""

import hashlib
import json
import os
import platform
import shutil
from functools import partial
from pathlib import Path

import archives
from image_list import Image
from offline import programs
from offline.images import SCRATCH
from online import pulling
from progress import BuildPart, Progress
from task_gateway import settings
from task_gateway.errors import DownloadFailed, TaskGatewayError
from task_gateway.kube.process import run
from task_gateway_lab.clusters.engine import Engine

# How each program prints its version.
VERSION = {
    "kind": ("version",),
    "helm": ("version", "--template", "{{.Version}}"),
    "kubectl": ("version", "--client", "--output", "json"),
}
FROM_IMAGES = ("kube-apiserver", "etcd", "kubectl")


def parts(engine: Engine, images: dict[str, Image], progress: Progress) -> list[BuildPart]:
    """Return a step for each program that this host runs."""
    return [
        BuildPart(name, 10, lambda: False, partial(_make, name, engine, images, progress))
        for name in wanted()
        if not linked(name, images)
    ]


def wanted() -> tuple[str, ...]:
    """Return the names of the programs that this host runs in pull mode."""
    return tuple(dict.fromkeys((*_inside_images(), *archives.names())))


def linked(name: str, images: dict[str, Image]) -> bool:
    """Return whether the program that commands call by `name` exists and has the pinned version."""
    place = settings.tools_dir() / name
    if not place.exists():
        return False
    target = place.readlink() if place.is_symlink() else place
    built = [programs.path(each) for each in programs.HOST_PROGRAMS if each.name == name]
    fetched = _image_path(images[name], name) if name in _inside_images() else _released_path(name)
    return target in (fetched, *built) or target == on_path(name, archives.version(name))


def _inside_images() -> tuple[str, ...]:
    return FROM_IMAGES if platform.system() == "Linux" else ()


def _make(name: str, engine: Engine, images: dict[str, Image], progress: Progress) -> None:
    inside = name in _inside_images()
    programs.link(name, _extracted(engine, images[name], name) if inside else _obtained(name, progress))


def _obtained(name: str, progress: Progress) -> Path:
    found = on_path(name, archives.version(name))
    if found is not None:
        progress.note(f"{name}: {found}, the pinned version")
        return found
    target = _released_path(name)
    if target.exists():
        return target
    try:
        return archives.program(name, target)
    except DownloadFailed as problem:
        if shutil.which("go") is None:
            raise
        progress.note(f"{name}: built from its Go module ({problem.message})")
        return programs.build(next(each for each in programs.HOST_PROGRAMS if each.name == name))


def on_path(name: str, version: str) -> Path | None:
    """Return the program of that name on PATH if it is of the pinned version."""
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    others = os.pathsep.join(each for each in folders if Path(each) != settings.tools_dir())
    found = shutil.which(name, path=others)
    if found is None:
        return None
    try:
        told = run([found, *VERSION[name]], check=False, timeout=10).stdout
    except TaskGatewayError:
        return None
    if name == "kubectl":
        told = _client_version(told)
    return Path(found) if version in told.replace("v", " ").split() else None


def _released_path(name: str) -> Path:
    return settings.cache_dir() / "programs" / f"released-{archives.version(name)}" / name


def _image_path(image: Image, name: str) -> Path:
    key = hashlib.sha256(image.pinned.encode()).hexdigest()[:12]
    return settings.cache_dir() / "programs" / f"image-{key}" / name


def _client_version(text: str) -> str:
    try:
        return str(json.loads(text)["clientVersion"]["gitVersion"])
    except (ValueError, KeyError):
        return ""


def _extracted(engine: Engine, image: Image, name: str) -> Path:
    """Return a program that was copied out of its image."""
    target = _image_path(image, name)
    if target.exists():
        return target
    pulling.ensure(engine, image)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(".partial")
    container = engine.run("create", image.tagged, name).stdout.strip()
    try:
        engine.run("cp", f"{container}:{SCRATCH[name][0]}", partial)
    finally:
        engine.run("rm", "--force", container, check=False)
    partial.chmod(0o755)
    partial.rename(target)
    return target
