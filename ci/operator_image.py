"""Builds the operator's image and writes it to dist/ as an OCI archive: `python ci/operator_image.py`.

In pull mode it is Python's own slim image with our wheel, in build mode Debian's Python with it. The packages are
installed on this machine, by the digests of a lock file, so that the image has no package manager of Python.
"""

import hashlib
import os
import platform
import shutil
import sys
import tempfile
from pathlib import Path

import image_list
import pins
from engine_images import KEY_LABEL, present
from offline import images as recipes
from online import pulling
from progress import Part, Progress, attended
from task_gateway import images
from task_gateway.kube.process import Word, run
from task_gateway_lab.clusters.engine import Engine, engine
from task_gateway_lab.clusters.operator_image import ARCHIVE, NAME
from wheel_file import wheel

RECIPE = pins.CI / "operator" / "Containerfile"
BUILD_SECONDS = 40  # on 2 cores, for the estimate of what is left


def main(progress: Progress) -> int:
    """Build the image if anything of it changed, write its archive, and say how it gets into a cluster."""
    archive = make(progress)
    made = engine(images.load().engine)
    size = int(made.run("image", "inspect", "--format", "{{.Size}}", NAME).stdout) / 1e6
    print(f"√ image: {NAME}, {size:.0f} MB; archive dist/{archive.name}, {archive.stat().st_size / 1e6:.0f} MB")
    print(f"  load it into a kind cluster: kind load image-archive dist/{archive.name} --name CLUSTER")
    return 0


def make(progress: Progress, into: Path = pins.ROOT / "dist") -> Path:
    """Build the image and its archive in the folder `into` unless they are there; return the archive."""
    there = images.load()
    used, archive = engine(there.engine), into / ARCHIVE
    into.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="task-gateway-operator-") as name:
        folder = Path(name)
        built = wheel(folder)
        key = _key(built, there.mode)
        progress.make_missing(
            [
                Part(
                    "operator image",
                    BUILD_SECONDS,
                    lambda: present(used, NAME, key),
                    lambda: _build(used, there.mode, built, folder, key),
                ),
                Part("operator archive", 10, lambda: _written(archive, key), lambda: _save(used, archive, key)),
            ]
        )
    return archive


def _key(built: Path, mode: str) -> str:
    """Return twelve hex digits that change when anything that goes into the image does."""
    digest = hashlib.sha256(mode.encode())
    for file in (built, pins.OPERATOR_LOCK, RECIPE):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def _build(used: Engine, mode: str, built: Path, folder: Path, key: str) -> None:
    base = _base(used, mode)
    target: list[Word] = ["--target", folder / "packages", "--python-version", pins.NOTEBOOK_PYTHON,
                          "--python-platform", f"{platform.machine()}-manylinux_2_28"]  # fmt: skip
    run(["uv", "pip", "install", "--quiet", *target, "--require-hashes", "--requirement", pins.OPERATOR_LOCK])
    run(["uv", "pip", "install", "--quiet", *target, "--no-deps", built])
    shutil.rmtree(folder / "packages" / "bin", ignore_errors=True)  # their first lines name this machine's Python
    used.run("build", "-q", "-t", NAME, "--label", f"{KEY_LABEL}={key}",
             "--build-arg", f"BASE={base}", "-f", RECIPE, folder)  # fmt: skip


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


def _save(used: Engine, archive: Path, key: str) -> None:
    partial = archive.with_suffix(f".{os.getpid()}")
    oci = ["--format", "oci-archive"] if used.name == "podman" else []  # Docker writes no other format
    try:
        used.run("save", *oci, "-o", partial, NAME)
        partial.rename(archive)
    finally:
        partial.unlink(missing_ok=True)
    archive.with_suffix(".key").write_text(key)


if __name__ == "__main__":
    sys.exit(attended(main))
