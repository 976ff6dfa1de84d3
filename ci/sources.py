"""Finds the sources of a pinned Go module: from Go's cache, or without Go from the archive of its release tag.

An archive is checked against the digest in go.sum, which covers every file of the module, before anything is read.
"""

import base64
import hashlib
import json
import re
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import archives
import pins
from task_gateway import settings
from task_gateway.errors import ToolMissing
from task_gateway.kube.process import run

REPOSITORIES = {
    "github.com/envoyproxy/gateway": "envoyproxy/gateway",
    "github.com/projectcontour/contour": "projectcontour/contour",
    "sigs.k8s.io/gateway-api": "kubernetes-sigs/gateway-api",
}
"""The GitHub repositories of the modules from which the charts are built."""


def module_dir(module: str, version: str, tool_module: str = "tools") -> Path:
    """Return the folder with the sources of `module`, downloaded if need be, as `tool_module` pins them."""
    if shutil.which("go") is not None:
        listed = run(["go", "-C", pins.TOOLCHAIN / tool_module, "mod", "download", "-json", f"{module}@{version}"])
        return Path(json.loads(listed.stdout)["Dir"])
    if module not in REPOSITORIES:
        raise ToolMissing(f"the sources of {module} are read with Go", hint="install Go, or add its folder to PATH")
    target = settings.cache_dir() / "sources" / f"{module.replace('/', '_')}@{version}"
    if not target.exists():
        _download(module, version, _digest(module, version, tool_module), target)
    return target


def _download(module: str, version: str, expected: str, target: Path) -> None:
    url = f"https://github.com/{REPOSITORIES[module]}/archive/refs/tags/{version}.tar.gz"
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="unpacking-") as folder:
        archive = archives.fetch(url, Path(folder) / "source.tar.gz")
        with tarfile.open(archive) as source:
            source.extractall(folder, filter="data")
        (root,) = (each for each in Path(folder).iterdir() if each.is_dir())
        found = module_digest(root, f"{module}@{version}")
        if found != expected:
            raise archives.wrong_checksum(url, found, expected)
        root.rename(target)


def module_digest(root: Path, name: str) -> str:
    """Return the digest that go.sum has for a module with these files; `name` is `module@version`.

    Defined by golang.org/x/mod: SHA-256 over the sorted lines `SHA-256, two spaces, module@version/path` of all files
    but those of nested modules, of vendored packages and those that are no regular file.
    """
    lines = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {name}/{path}\n" for path, file in _module_files(root)]
    digest = hashlib.sha256("".join(sorted(lines, key=lambda line: line[66:])).encode()).digest()
    return f"h1:{base64.b64encode(digest).decode()}"


def _module_files(root: Path) -> Iterator[tuple[PurePosixPath, Path]]:
    nested = {file.parent for file in root.rglob("go.mod") if file.parent != root}
    for file in root.rglob("*"):
        path = PurePosixPath(file.relative_to(root).as_posix())
        if file.is_file() and not file.is_symlink() and not _vendored(path) and nested.isdisjoint(file.parents):
            yield path, file


def _vendored(path: PurePosixPath) -> bool:
    """Return whether a file is left out of modules as a vendored package; `vendor/modules.txt` is not one."""
    parts = path.parts[:-1]
    return "vendor" in parts and not (parts == ("vendor",) and path.name == "modules.txt")


def _digest(module: str, version: str, tool_module: str) -> str:
    text = (pins.TOOLCHAIN / tool_module / "go.sum").read_text()
    found = re.search(rf"(?m)^{re.escape(module)} {re.escape(version)} (h1:\S+)$", text)
    if found is None:
        raise ToolMissing(f"ci/toolchain/{tool_module}/go.sum has no digest of {module} {version}", hint="make pins")
    return found[1]
