"""Lists all fetched parts, with their versions and allowed digests, from the files that pin them.

The bill of materials is generated from it. The digest of a Go module is that of its files, from go.sum. A Python
package has one digest per archive, of which there are several for different machines.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml

import image_list
import pins

# Our charts' own parts, and the Go modules that they are made from.
CHART_SOURCES = {
    "gateway-helm": "github.com/envoyproxy/gateway",
    "contour-crds": "github.com/projectcontour/contour",
    "standard": "sigs.k8s.io/gateway-api",
    "experimental": "sigs.k8s.io/gateway-api",
}
GO, PYTHON, CHART, IMAGE = "golang", "pypi", "helm", "oci"
_SUM = re.compile(r"^(\S+) (v\S+) (h1:\S+)$", re.MULTILINE)
_LOCKED = re.compile(r"^([\w.-]+)==([^\s;]+)[^\n]*((?:\n    --hash=\S+[^\n]*)+)", re.MULTILINE)
_HASH = re.compile(r"--hash=(\S+)")


@dataclass(frozen=True)
class ReleasedPart:
    """A part: of which kind, named as its registry does; `pinned_in` are the files that fix version and digests."""

    kind: str
    name: str
    version: str
    digests: tuple[str, ...]
    pinned_in: tuple[str, ...]


def parts() -> list[ReleasedPart]:
    """Return all parts."""
    return [*charts(), *container_images(), *python_packages(), *go_modules()]


def go_modules() -> list[ReleasedPart]:
    """Return the modules whose sources are downloaded for the toolchain."""
    sums = sorted(pins.TOOLCHAIN.glob("*/go.sum"))
    return _merged(
        ReleasedPart(GO, name, version, (digest,), (_path(file),))
        for file in sums
        for name, version, digest in _SUM.findall(file.read_text())
        if not version.endswith("/go.mod")
    )


def python_packages() -> list[ReleasedPart]:
    """Return the packages of every lock file."""
    return _merged(
        ReleasedPart(PYTHON, name, version, tuple(_HASH.findall(hashes)), (_path(file),))
        for file in pins.LOCKS
        for name, version, hashes in _LOCKED.findall(file.read_text())
    )


def charts() -> list[ReleasedPart]:
    """Return the charts inside ours, which are made from Go modules and have their digests."""
    digests = {(module.name, module.version): module.digests for module in go_modules()}
    return _merged(
        ReleasedPart(CHART, name, version, digests[CHART_SOURCES[name], version], (_path(file),))
        for file in sorted((pins.ROOT / "charts").glob("*/Chart.yaml"))
        for name, version in _dependencies(file)
    )


def _dependencies(chart: Path) -> list[tuple[str, str]]:
    """Return name and version of each dependency that is not another chart of this project."""
    found = yaml.safe_load(chart.read_text())["dependencies"]
    return [(each["name"], each["version"]) for each in found if "file://" not in each.get("repository", "")]


def container_images() -> list[ReleasedPart]:
    """Return the images of every Kubernetes release; one without a digest is pulled by its tag, or only built here."""
    pinned_in = (_path(pins.IMAGES),)
    found = (
        ReleasedPart(IMAGE, each.name, each.tag, (each.digest,) if each.digest else (), pinned_in)
        for each in image_list.read()
    )
    return _merged(found)


def _merged(found: Iterable[ReleasedPart]) -> list[ReleasedPart]:
    """Return the parts by name and version; one that several files pin is listed once, with all of them."""
    whole: dict[tuple[str, str], ReleasedPart] = {}
    for part in found:
        before = whole.get((part.name, part.version), ReleasedPart(part.kind, part.name, part.version, (), ()))
        digests = tuple(dict.fromkeys([*before.digests, *part.digests]))
        files = tuple(dict.fromkeys([*before.pinned_in, *part.pinned_in]))
        whole[part.name, part.version] = ReleasedPart(part.kind, part.name, part.version, digests, files)
    return [whole[key] for key in sorted(whole)]


def _path(file: Path) -> str:
    return file.relative_to(pins.ROOT).as_posix()
