"""The imports of commands: each library costs CPU time in every call, even if it is not used."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from task_gateway.cli import _commands
from task_gateway_lab.scenarios import RUN_ONLY

DEFERRED = frozenset(
    [
        "cattrs",
        "jinja2",
        "kubernetes",
        "matplotlib",
        "numpy",
        "paramiko",
        "playwright",
        "pydantic",
        "rich",
        "tornado",
        "urllib3",
        "yaml",
    ]
)
"""Libraries that only some commands use."""
UNUSED = (
    "concurrent.futures",
    "email",
    "hashlib",
    "http.client",
    "socket",
    "ssl",
    "tarfile",
    "tempfile",
    "task_gateway_lab.clusters.kind",
    "task_gateway.crds.raise_limit",
    "task_gateway.inventory.snapshot",
    "task_gateway_lab.master.platform",
    "task_gateway.routing.gateway",
    *(f"task_gateway_lab.scenarios.{name}" for name in sorted(RUN_ONLY)),
)
"""Modules that are not used by a command that only shows what is declared."""
COMMANDS = frozenset(map(_commands.module, _commands.files()))
PROGRAM = """
import json, sys
from task_gateway.cli.main import main
code = main(sys.argv[1:])
print(json.dumps([code, sorted(sys.modules)]), file=sys.stderr)
"""


def imported(words: str, folder: Path) -> frozenset[str]:
    """Run a command, which must succeed, in a separate interpreter; return the names of all imported modules."""
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, *words.split()],
        cwd=folder,
        env=os.environ | {"XDG_STATE_HOME": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    code, modules = json.loads(ended.stderr)
    assert code == 0
    return frozenset(modules)


@pytest.mark.parametrize(
    ("words", "used"),
    [
        ("cluster ls", ()),
        ("cluster ls -o json", ()),
        ("config validate master.yaml", ("yaml",)),
        ("scenario list", ("rich",)),
        ("scenario list -o json", ()),
    ],
)
def test_a_command_imports_the_libraries_that_it_uses(words: str, used: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "master.yaml").write_text("resource_manager: {type: kubernetes, name: east}\n")
    assert imported(words, tmp_path) & DEFERRED == set(used)


@pytest.mark.parametrize("words", ["scenario list", "scenario run --help"])
def test_what_only_a_run_of_scenarios_uses_is_not_imported_to_show_them(words: str, tmp_path: Path) -> None:
    assert imported(words, tmp_path) & set(UNUSED) == set()


@pytest.mark.parametrize("words", ["--help", "--version"])
def test_the_program_imports_no_command_to_show_its_help(words: str, tmp_path: Path) -> None:
    modules = imported(words, tmp_path)
    assert modules & (DEFERRED | COMMANDS) == set()
    assert {each for each in modules if each.startswith(("task_gateway.", "task_gateway_lab"))} == {
        "task_gateway.cli",
        "task_gateway.cli._commands",
        "task_gateway.cli._laboratory",
        "task_gateway.cli.main",
        "task_gateway.cli.output",
        "task_gateway.deferred",
        "task_gateway.errors",
        "task_gateway.printable",
        "task_gateway.reasons",
        "task_gateway.version",
    }


@pytest.mark.parametrize("name", sorted(_commands.files()))
def test_the_help_of_a_command_imports_no_library(name: str, tmp_path: Path) -> None:
    assert imported(f"{name} --help", tmp_path) & DEFERRED == set()
