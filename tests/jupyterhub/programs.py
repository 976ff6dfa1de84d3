"""JupyterHub, its proxy and JupyterLab as programs on this machine, with the versions of the images."""

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

import pins
from task_gateway import settings
from task_gateway.kube.process import run


def hub() -> Path:
    """Return the folder of the hub's programs."""
    return _environment(pins.HUB_LOCK) / "bin"


def notebook() -> Path:
    """Return the folder of JupyterLab's programs."""
    return _environment(pins.NOTEBOOK_LOCK) / "bin"


def proxy() -> Path:
    """Return the hub's proxy, which Node.js runs."""
    folder = pins.HUB_PROXY.parent
    lock = folder / "package-lock.json"

    def make(place: Path) -> None:
        place.mkdir(parents=True)
        for file in (pins.HUB_PROXY, lock):
            shutil.copy(file, place)
        run(["npm", "ci", "--silent", "--prefix", place])

    return _made("proxy", lock, make) / "node_modules/.bin" / pins.PROXY_PACKAGE


def _environment(lock: Path) -> Path:
    def make(place: Path) -> None:
        run(["uv", "venv", "--quiet", "--python", pins.NOTEBOOK_PYTHON, place])
        run(["uv", "pip", "sync", "--quiet", "--require-hashes", "--python", place / "bin/python", lock])

    return _made(lock.stem, lock, make)


def _made(name: str, lock: Path, make: Callable[[Path], None]) -> Path:
    """Return the installed packages of a lock file, cached by its content; an interrupted installation is repeated."""
    place = settings.cache_dir() / "hub" / f"{name}-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"
    done = place / ".done"
    if not done.exists():
        shutil.rmtree(place, ignore_errors=True)
        make(place)
        done.touch()
    return place
