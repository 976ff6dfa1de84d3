"""Build mode, without a container registry: programs come from Go modules, images from them, Debian and Python."""

from concurrent.futures import Future, ThreadPoolExecutor

import image_list
from engine_images import present
from offline import images as recipes
from offline import programs
from progress import BuildPart, Progress
from task_gateway_lab.clusters.engine import Engine


def key() -> str:
    """Return the key of all that goes into the images."""
    return recipes.key()


def task_image() -> str:
    """Return the name of the image that tasks run, which is baked into the node image."""
    return image_list.names()["notebook"]


def ready(engine: Engine) -> bool:
    """Return whether everything that `make` builds exists."""
    built = all(programs.part(each).done() for each in programs.HOST_PROGRAMS)
    return built and present(engine, image_list.names()["node"], recipes.key())


def make(engine: Engine, progress: Progress) -> None:
    """Compile and build what is missing: one lane compiles, the other waits for networks and disks."""
    compiled_parts = progress.expect([programs.part(each) for each in (*programs.HOST_PROGRAMS, *_inside(engine))])
    with ThreadPoolExecutor(2) as lanes:
        compiled = lanes.submit(_compile, compiled_parts, progress)
        imaged = lanes.submit(_images, engine, compiled, progress)
        for lane in (imaged, compiled):
            lane.result()


def _compile(parts: list[BuildPart], progress: Progress) -> None:
    for part in parts:
        progress.make(part)


def _inside(engine: Engine) -> tuple[programs.Program, ...]:
    """Return the programs that go into images, none if the node image is there."""
    there = present(engine, image_list.names()["node"], recipes.key())
    return () if there else programs.IMAGE_PROGRAMS


def _images(engine: Engine, compiled: "Future[None]", progress: Progress) -> None:
    if present(engine, image_list.names()["node"], recipes.key()):
        return
    builder = recipes.Builder(engine)
    early = {"Debian base": builder.base, "notebook image": builder.notebook, "Envoy image": builder.envoy}
    late = {"component images": builder.components, "node image": builder.node}
    parts = [BuildPart(name, recipes.EXPECTED[name], lambda: False, make) for name, make in (early | late).items()]
    for part in progress.expect(parts):
        if part.name in late:
            compiled.result()
        progress.make(part)
    builder.prune()
