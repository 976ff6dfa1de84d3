"""Downloads released programs and sources, and checks each by its checksum: pinned, or else the published one.

`TASK_GATEWAY_ARCHIVES` is the address of a mirror: it has `https://HOST/PATH` at `MIRROR/HOST/PATH`.
"""

import hashlib
import json
import os
import platform
import shutil
import tarfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

import pins
from task_gateway.errors import DownloadFailed

FILE = pins.CI / "archives.json"
MIRROR = "TASK_GATEWAY_ARCHIVES"
SECONDS = 60.0  # without a byte
MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
_BLOCK = 1 << 20


def names() -> list[str]:
    """Return the programs that have released archives."""
    return list(_read())


def version(program: str) -> str:
    """Return the pinned version of a program, without `v`."""
    return pins.read()[_read()[program]["pin"]]


def program(name: str, target: Path) -> Path:
    """Download the released program `name` for this machine to `target`; DownloadFailed has the reason of a failure."""
    entry, place = _read()[name], platform_name()
    system, _, machine = place.partition("-")
    url = entry["url"].format(version=version(name), platform=place, os=system, arch=machine)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(f".{os.getpid()}")
    try:
        fetch(url, partial)
        expected = entry["sha256"].get(place) or _published(url + entry["checksums"])
        found = _sha256(partial)
        if found != expected:
            raise wrong_checksum(url, found, expected)
        if entry["member"]:
            _extract(partial, entry["member"].format(platform=place))
        partial.chmod(0o755)
        partial.rename(target)
    finally:
        partial.unlink(missing_ok=True)
    return target


def fetch(url: str, target: Path) -> Path:
    """Download a file whole; DownloadFailed names the address and the reason."""
    with _opened(url) as answer, target.open("wb") as file:
        shutil.copyfileobj(answer, file, _BLOCK)
    return target


def wrong_checksum(url: str, found: str, expected: str) -> DownloadFailed:
    """Return the error for a file that is not the one expected; nothing of it was used."""
    return DownloadFailed(f"{url} has checksum {found}, expected {expected}", where=url, hint="try again, or report it")


def _read() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads(FILE.read_text())
    return found


def platform_name() -> str:
    """Return what archives call this machine, as in `linux-amd64`."""
    return f"{platform.system().lower()}-{MACHINES.get(platform.machine().lower(), platform.machine().lower())}"


def _mirrored(url: str) -> str:
    mirror = os.environ.get(MIRROR)
    return f"{mirror.rstrip('/')}/{url.removeprefix('https://')}" if mirror else url


def _published(url: str) -> str:
    """Return the checksum that a project publishes next to its archive: the first word of that file."""
    with _opened(url) as answer:
        return str(answer.read().decode().partition(" ")[0].strip())


@contextmanager
def _opened(url: str) -> Iterator[HTTPResponse]:
    try:
        with urllib.request.urlopen(_mirrored(url), timeout=SECONDS) as answer:
            yield answer
    except (urllib.error.URLError, TimeoutError, ConnectionError) as problem:
        reason = getattr(problem, "reason", None) or problem
        if isinstance(problem, urllib.error.HTTPError):
            problem.close()
        hint = f"check the network, or set {MIRROR} to a mirror of released archives"
        raise DownloadFailed(f"cannot download {url}: {reason}", where=_mirrored(url), hint=hint) from None


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _extract(archive: Path, member: str) -> None:
    """Put one file of an archive in the archive's place."""
    inside = archive.with_suffix(".inside")
    with tarfile.open(archive) as opened:
        content = opened.extractfile(member) if member in opened.getnames() else None
        if content is None:
            raise DownloadFailed(f"the archive has no file {member}", where=str(archive))
        with inside.open("wb") as file:
            shutil.copyfileobj(content, file, _BLOCK)
    inside.rename(archive)
