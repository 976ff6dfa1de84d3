"""Builds images of locked Python packages and writes each as an archive: the operator's, and the hub's of scenarios.

In pull mode the base is Python's own slim image, in build mode Debian with its Python. The packages are installed on
this machine, with the digests of a lock file, so the image has no package manager of Python.
"""

import hashlib
import os
import platform
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import image_list
import pins
from engine_images import KEY_LABEL, present
from offline import images as recipes
from online import pulled, pulling
from progress import BuildPart, Progress
from task_gateway import images
from task_gateway.kube.process import Word, run
from task_gateway_lab.clusters.engine import Engine, engine


@dataclass(frozen=True)
class PythonImage:
    """An image: its name, the file of its archive, its recipe, and what the recipe copies besides `packages`.

    `expected` is its cold build in seconds on 2 cores, for the estimate of what is left.
    """

    name: str
    archive: str
    recipe: Path
    lock: Path
    expected: float
    files: tuple[Path, ...] = ()

    @property
    def title(self) -> str:
        """What the image is called in what is printed."""
        return self.recipe.parent.name

    def make(self, progress: Progress, into: Path, wheels: Sequence[Path] = ()) -> Path:
        """Build the image with `wheels` of ours, and its archive in a folder, unless they are there; return that."""
        there = images.load()
        used, archive = engine(there.engine), into / self.archive
        into.mkdir(exist_ok=True)
        key = self._key(there.mode, wheels)
        progress.make_missing(
            [
                BuildPart(
                    f"{self.title} image",
                    self.expected,
                    lambda: present(used, self.name, key),
                    lambda: self._build(used, there.mode, wheels, key),
                ),
                BuildPart(
                    f"{self.title} archive",
                    10,
                    lambda: _written(archive, key),
                    lambda: self._save(used, archive, key),
                ),
            ]
        )
        return archive

    def told(self, archive: Path) -> str:
        """Return the lines about the image, and how to load it into a cluster."""
        made = engine(images.load().engine)
        size = int(made.run("image", "inspect", "--format", "{{.Size}}", self.name).stdout) / 1e6
        packed = archive.stat().st_size / 1e6
        return (
            f"√ image: {self.name}, {size:.0f} MB; archive dist/{archive.name}, {packed:.0f} MB\n"
            f"  load it into a kind cluster: kind load image-archive dist/{archive.name} --name CLUSTER"
        )

    def _key(self, mode: str, wheels: Sequence[Path]) -> str:
        """Return twelve hex digits that change when anything that goes into the image does."""
        digest = hashlib.sha256(mode.encode())
        for file in (*wheels, self.lock, self.recipe, *self.files):
            digest.update(file.read_bytes())
        return digest.hexdigest()[:12]

    def _build(self, used: Engine, mode: str, wheels: Sequence[Path], key: str) -> None:
        base = _base(used, mode)
        with tempfile.TemporaryDirectory(prefix="task-gateway-image-") as name:
            folder = Path(name)
            target: list[Word] = ["--target", folder / "packages", "--python-version", pins.NOTEBOOK_PYTHON,
                                  "--python-platform", f"{platform.machine()}-manylinux_2_28"]  # fmt: skip
            run(["uv", "pip", "install", "--quiet", *target, "--require-hashes", "--requirement", self.lock])
            if wheels:
                run(["uv", "pip", "install", "--quiet", *target, "--no-deps", *wheels])
            # The first lines of its programs name this machine's Python.
            shutil.rmtree(folder / "packages" / "bin", ignore_errors=True)
            for file in self.files:
                shutil.copy(file, folder)
            used.run("build", "-q", "-t", self.name, "--label", f"{KEY_LABEL}={key}",
                     "--build-arg", f"BASE={base}", *pulled.network(), "-f", self.recipe, folder)  # fmt: skip

    def _save(self, used: Engine, archive: Path, key: str) -> None:
        partial = archive.with_suffix(f".{os.getpid()}")
        oci = ["--format", "oci-archive"] if used.name == "podman" else []  # Docker writes no other format
        try:
            used.run("save", *oci, "-o", partial, self.name)
            partial.rename(archive)
        finally:
            partial.unlink(missing_ok=True)
        archive.with_suffix(".key").write_text(key)


def _base(used: Engine, mode: str) -> str:
    if mode == "build":
        recipes.Builder(used).base()
        return f"{recipes.BASE}:{pins.read()['DEBIAN_RELEASE']}"
    python = image_list.chosen()["python"]
    pulling.ensure(used, python)
    return python.tagged


def _written(archive: Path, key: str) -> bool:
    note = archive.with_suffix(".key")
    return archive.exists() and note.exists() and note.read_text() == key
