"""Finds the commands: each file of this folder and of the laboratory's is one, imported only when it runs."""

import importlib
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from task_gateway import cli
from task_gateway.cli import _laboratory
from task_gateway.errors import UsageError

NOT_COMMANDS = ("main", "output")
PANELS = ("Operate", "Set up", "Laboratory")
"""The panels of the root's help. Commands of the laboratory are in the last one, others in the first one by default."""
SET_UP = ("config", "controller", "crds", "master-config")
SUMMARY_LETTERS = 45
OLD_NAMES = ("capacity", "cel")
"""Commands that were merged into others. They work for one more release, and no help lists them."""


class Group(TyperGroup):
    """A group of commands. Its help lists them in panels, in one column, each with its summary on one line."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the panels that have a command. A summary is the first sentence of a help, without its full stop."""
        found = {name: self.get_command(ctx, name) for name in self.list_commands(ctx)}
        shown = {name: command for name, command in found.items() if command is not None and not command.hidden}
        width = max(map(len, shown), default=0)
        panels: dict[str, list[tuple[str, str]]] = {each: [] for each in PANELS}
        for name, command in shown.items():
            summary = command.get_short_help_str(SUMMARY_LETTERS + 1).rstrip(".")
            named = getattr(command, "rich_help_panel", None)
            panels.setdefault(named if named in PANELS else "Commands", []).append((name.ljust(width), summary))
        for title, rows in panels.items():
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)


class Commands(Group):
    """The root of the program: a command for each file of the folders, in alphabetical order in each panel."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for name, file in sorted(files().items()):
            hidden = name in OLD_NAMES
            self.add_command(Command(name, short_help=summary(file), hidden=hidden, rich_help_panel=panel(name, file)))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find a command; UsageError if it is unknown and may belong to the laboratory, which is not installed."""
        try:
            return super().resolve_command(ctx, args)
        except typer.TyperException as error:
            if _laboratory.installed() or args[0].startswith("-"):
                raise
            raise UsageError(error.format_message(), hint=_laboratory.INSTALL) from None


class Command(TyperCommand):
    """A command that is not imported yet. The root's help only shows its name and its summary."""

    def make_context(self, *arguments: Any, **more: Any) -> Any:
        """Import the command, which parses its part of the command line."""
        return load(str(self.name)).make_context(*arguments, **more)


def files() -> dict[str, Path]:
    """Return the file of each command by the command's name: `master-config` is in master_config.py."""
    folders = (*cli.__path__, *_laboratory.folders())
    found = (file for folder in folders for file in Path(folder).glob("[!_]*.py"))
    return {file.stem.replace("_", "-"): file for file in found if file.stem not in NOT_COMMANDS}


def panel(name: str, file: Path) -> str:
    """Return the part of the root's help that lists a command."""
    operate, set_up, laboratory = PANELS
    if str(file.parent) in _laboratory.folders():
        return laboratory
    return set_up if name in SET_UP else operate


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
