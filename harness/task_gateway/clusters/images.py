"""The images of the toolchain: where they come from and what they are called, as the toolchain wrote it down."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from task_gateway import settings
from task_gateway.errors import ToolMissing


@dataclass(frozen=True)
class Images:
    """`mode` is `pull` or `build`; names are the upstream ones either way. `engine` holds the node image."""

    mode: str
    engine: str
    node: str
    notebook: str
    key: str


def file() -> Path:
    """Return the file that the toolchain writes and `load` reads."""
    return settings.cache_dir() / "images.json"


def load() -> Images:
    """Return the images; ToolMissing when the toolchain has not made any."""
    try:
        return Images(**json.loads(file().read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        raise ToolMissing(
            "there are no images to make a cluster of", where=str(file()), hint="make toolchain"
        ) from None


def save(images: Images) -> None:
    """Write the images down."""
    file().parent.mkdir(parents=True, exist_ok=True)
    file().write_text(json.dumps(asdict(images), indent=2))
