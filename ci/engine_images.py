"""Images in the container engine, whether they were pulled or built here: the label with their key, and archives."""

from pathlib import Path

import pins
from task_gateway_lab.clusters.engine import Engine

RECIPES = pins.CI / "images"
KEY_LABEL = "task-gateway.dev/key"


def present(engine: Engine, image: str, wanted: str | None) -> bool:
    """Return whether the engine has `image` and, if `wanted` is given, whether it was built with that key."""
    answer = engine.run("image", "inspect", "--format", "{{json .Config.Labels}}", image, check=False)
    return answer.code == 0 and (wanted is None or f'"{wanted}"' in answer.stdout)


def built(engine: Engine, image: str) -> bool:
    """Return whether the engine's `image` was built here, with any content."""
    answer = engine.run("image", "inspect", "--format", "{{json .Config.Labels}}", image, check=False)
    return answer.code == 0 and KEY_LABEL in answer.stdout


def save(engine: Engine, archive: Path, images: list[str]) -> None:
    """Write images into one archive that containerd can import."""
    many = ["-m"] if engine.name == "podman" else []
    engine.run("save", *many, "-o", archive, *images)
