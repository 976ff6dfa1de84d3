"""The images of the toolchain: their source and names, as recorded by the toolchain."""

from dataclasses import dataclass
from pathlib import Path

from task_gateway import records, settings
from task_gateway.errors import ToolMissing


@dataclass(frozen=True)
class Images:
    """The images of one toolchain. `engine` holds the node image; `notebook` is what tasks run.

    `mode` is `pull` or `build`, and `reason` why it was chosen. In pull mode `archive` is the file with the images that
    each node loads; a node image that was built has them.
    """

    mode: str
    reason: str
    engine: str
    node: str
    notebook: str
    key: str
    archive: str | None = None


def file() -> Path:
    """Return the file that the toolchain writes and `load` reads."""
    return settings.release_dir() / "images.json"


def load() -> Images:
    """Return the images; ToolMissing if the toolchain has not prepared any."""
    try:
        return records.load(Images, file())
    except (FileNotFoundError, ValueError):
        raise ToolMissing("the images for a cluster are missing", where=str(file()), hint="make toolchain") from None


def save(images: Images) -> None:
    """Record the images."""
    records.save(images, file())
