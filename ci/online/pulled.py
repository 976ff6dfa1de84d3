"""Pull mode: every image and program of a run is fetched; only the image of tasks is built, in a few lines."""

import hashlib
import os
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import image_list
import pins
from engine_images import KEY_LABEL, RECIPES, present, save
from image_list import Image
from online import host_programs, pulling
from online.pulling import PullFailed, PullRefusal
from progress import BuildPart, Progress
from task_gateway import settings
from task_gateway_lab.clusters.engine import Engine

LANES = 3  # pulls at a time: registries and networks are slower than one pull
IN_NODES = ("kubectl", "envoy-gateway", "contour", "envoy")
"""What every node gets loaded, with the image of tasks; the rest runs on the host or is in the node image."""
REGISTRIES = ("PIP_INDEX_URL", "NPM_CONFIG_REGISTRY")
CERTIFICATES = ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE")
"""Variables that name the certificates of a host whose network terminates TLS; builds get the first that is set."""


def key() -> str:
    """Return twelve hex digits that change when an image, its digest or the recipe of the task image does."""
    digest = hashlib.sha256()
    for purpose, image in sorted(image_list.chosen().items()):
        digest.update(f"{purpose}={image.pinned}\n".encode())
    for file in (*sorted(RECIPES.glob("task*.Containerfile")), pins.TASK_LOCK, pins.NOTEBOOK_LOCK):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def task_image() -> str:
    """Return the name of the image that tasks run."""
    return f"{image_list.TASK}:{image_list.chosen()['notebook'].tag}"


def archive() -> Path:
    """Return where the archive of images is kept that each node loads."""
    return settings.cache_dir() / "images" / f"{key()}.tar"


def ready(engine: Engine) -> bool:
    """Return whether everything that `make` pulls exists."""
    images = image_list.chosen()
    tools = all(host_programs.linked(name, images) for name in host_programs.wanted())
    return archive().exists() and tools and pulling.there(engine, images["node"])


def make(engine: Engine, progress: Progress) -> None:
    """Fetch what is missing: images in several lanes, then programs, the image of tasks, the archive for nodes."""
    images = image_list.chosen()
    pulls = [_pull_part(engine, images[purpose]) for purpose in ("node", *IN_NODES)]
    tools = host_programs.parts(engine, images, progress)
    wanted = progress.expect([*pulls, *tools])
    task = BuildPart("task image", 60, lambda: present(engine, task_image(), key()), lambda: _task(engine, progress))
    rest = progress.expect(
        [task, BuildPart("archive for nodes", 20, lambda: archive().exists(), lambda: _save(engine))]
    )
    with ThreadPoolExecutor(LANES) as lanes:
        for done in [lanes.submit(progress.make, part) for part in wanted]:
            done.result()
    for part in rest:
        progress.make(part)


def _pull_part(engine: Engine, image: Image) -> BuildPart:
    return BuildPart(image.tagged, 20, lambda: pulling.there(engine, image), lambda: pulling.ensure(engine, image))


def _task(engine: Engine, progress: Progress) -> None:
    """Build the image of tasks from Jupyter's, or from Python's where the registry has no such tag."""
    images = image_list.chosen()
    base, recipe, lock = images["notebook"], "task.Containerfile", pins.TASK_LOCK
    try:
        pulling.ensure(engine, base)
    except PullFailed as problem:
        if problem.why is not PullRefusal.unknown:
            raise
        progress.note(f"{problem.message}; {images['python'].tagged} with JupyterLab is used instead")
        base, recipe, lock = images["python"], "task-python.Containerfile", pins.NOTEBOOK_LOCK
        pulling.ensure(engine, base)
    with tempfile.TemporaryDirectory(prefix="task-gateway-image-") as folder:
        shutil.copy(lock, folder)
        engine.run(
            "build", "-q", "-t", task_image(), "--label", f"{KEY_LABEL}={key()}",
            "--build-arg", f"BASE={base.tagged}", *network(), "-f", RECIPES / recipe, folder,
        )  # fmt: skip


def network() -> list[str]:
    """Return what a build needs to reach package registries as this host does: their addresses and its certificates."""
    certificates = next((os.environ[name] for name in CERTIFICATES if os.environ.get(name)), None)
    return [
        *(["--secret", f"id=ca,src={certificates}"] if certificates and Path(certificates).is_file() else []),
        *(
            word
            for name in REGISTRIES
            if os.environ.get(name)
            for word in ("--build-arg", f"{name}={os.environ[name]}")
        ),
    ]


def _save(engine: Engine) -> None:
    images = image_list.chosen()
    target = archive()
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(f".{os.getpid()}")
    try:
        save(engine, partial, [*(images[purpose].tagged for purpose in IN_NODES), task_image()])
        for old in target.parent.glob("*.tar"):
            old.unlink()
        partial.rename(target)
    finally:
        partial.unlink(missing_ok=True)
