"""Runs the commands of a guide as a reader does: block by block, in a folder with the packaged charts."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

from task_gateway.kube.process import run, tool

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def section(page: str, heading: str) -> list[str]:
    """Return the blocks of commands under a heading of a page; those of ```sh are to be read alone."""
    text = (ROOT / "docs" / page).read_text("utf-8")
    found = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
    assert found is not None, f"{page} has no section {heading!r}"
    return BLOCK.findall(found[1])


def play(blocks: list[str], words: Mapping[str, str], folder: Path) -> str:
    """Run each block with these words in its environment, and return all that they printed."""
    if not (folder / "dist").exists():
        (folder / "dist").symlink_to(ROOT / "dist")
    programs = os.pathsep.join([str(Path(tool("kubectl")).parent), str(ROOT / ".venv" / "bin"), os.environ["PATH"]])
    env = {**os.environ, **words, "PATH": programs}
    said = [run(["bash", "-euo", "pipefail", "-c", f"cd {folder}\n{text}"], env=env).stdout for text in blocks]
    return "".join(said)
