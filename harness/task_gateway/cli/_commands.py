"""Finds the commands: each file of this folder and of the laboratory's is one, imported only when it is called."""

import importlib
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from task_gateway import cli
from task_gateway.cli import _laboratory
from task_gateway.errors import UsageError

NOT_COMMANDS = ("main", "output")
OLD_NAMES = ("capacity", "cel")
"""Commands that are part of others now; they work for one release more, and no help lists them."""


class Commands(TyperGroup):
    """The root of the program: a command for each file of the folders, in alphabetical order."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for name, file in sorted(files().items()):
            self.add_command(Command(name, short_help=summary(file), hidden=name in OLD_NAMES))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find a command; UsageError where it is unknown and may be one of the laboratory, which is not installed."""
        try:
            return super().resolve_command(ctx, args)
        except typer.TyperException as error:
            if _laboratory.installed() or args[0].startswith("-"):
                raise
            raise UsageError(error.format_message(), hint=_laboratory.INSTALL) from None


class Command(TyperCommand):
    """A command that is not imported yet: its name and its summary, which is all that the root's help shows."""

    def make_context(self, *arguments: Any, **more: Any) -> Any:
        """Import the command, and let it read its part of the command line."""
        return load(str(self.name)).make_context(*arguments, **more)


def files() -> dict[str, Path]:
    """Return the file of each command by the command's name: `master-config` is in master_config.py."""
    folders = (*cli.__path__, *_laboratory.folders())
    found = (file for folder in folders for file in Path(folder).glob("[!_]*.py"))
    return {file.stem.replace("_", "-"): file for file in found if file.stem not in NOT_COMMANDS}


def module(name: str) -> str:
    """Return the name of the module of a command."""
    file = files()[name]
    package = _laboratory.COMMANDS if str(file.parent) in _laboratory.folders() else cli.__name__
    return f"{package}.{file.stem}"


def load(name: str) -> Any:
    """Import a command's module and return the command, which the module's `register` adds to an application."""
    app = typer.Typer(rich_markup_mode=None)
    importlib.import_module(module(name)).register(app)
    return typer.main.get_group(app).commands[name]


def summary(file: Path) -> str:
    """Return the docstring that begins a command's file, without running the file."""
    with file.open(encoding="utf-8") as lines:
        return lines.readline().strip().strip('"').rstrip(".")
