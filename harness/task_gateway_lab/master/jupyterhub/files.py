"""Renders the hub's files: its configuration, and the objects of both clusters."""

from collections.abc import Mapping
from pathlib import Path
from string import Template

from task_gateway.deferred import yaml
from task_gateway.model import Manifest

FOLDER = Path(__file__).parent


def configuration(words: Mapping[str, str]) -> dict[str, str]:
    """Return the files of the configuration by name."""
    found: dict[str, str] = yaml.safe_load(text("config"))
    return {name: Template(each).substitute(words) for name, each in found.items()}


def objects(name: str, words: Mapping[str, str]) -> list[Manifest]:
    """Return the objects of a file: `rights` for the cluster of the notebooks, `hub` for the hub's own."""
    return list(yaml.safe_load_all(Template(text(name)).substitute(words)))


def text(name: str) -> str:
    """Return the text of a file, without substitutions."""
    return (FOLDER / f"{name}.yaml").read_text("utf-8")
