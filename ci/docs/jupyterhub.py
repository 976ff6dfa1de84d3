"""Renders the files of docs/jupyterhub.md from those of the scenarios: two of Python, two of Kubernetes objects."""

from collections.abc import Mapping
from string import Template

from task_gateway.deferred import yaml
from task_gateway_lab.master.jupyterhub import files

TEST = "tests/guides/test_jupyterhub.py"
NAMESPACES: Mapping[str, str] = {"TASKS_NAMESPACE": "tasks", "HUB_NAMESPACE": "jupyterhub"}
"""What the page calls the namespaces; other words stay for the reader to replace."""


def configuration(name: str) -> str:
    """Return a file of the hub's configuration."""
    found: dict[str, str] = yaml.safe_load(files.text("config"))
    return _block(name, "python", found[name])


def objects(name: str) -> str:
    """Return a file of Kubernetes objects, without the comment at its top."""
    lines = files.text(name).splitlines(keepends=True)
    return _block(f"{name}.yaml", "yaml", "".join(line for line in lines if not line.startswith("#")))


def _block(name: str, language: str, text: str) -> str:
    known = Template(text).safe_substitute(NAMESPACES)
    return f"<!-- {name} for {TEST} -->\n\n```{language}\n{known.strip()}\n```"
