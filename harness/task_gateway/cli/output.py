"""Prints for all commands: a result on stdout as text or as JSON, an error on stderr as sentences."""

import sys
from collections.abc import Callable, Sequence
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from task_gateway.deferred import Deferred, rich
from task_gateway.errors import ConfigError, TaskGatewayError
from task_gateway.printable import printable

if TYPE_CHECKING:
    from task_gateway import records
else:
    records = Deferred("task_gateway.records")

T = TypeVar("T")
WIDTH_OF_A_FILE = 250  # columns without a terminal: wide enough for any path


class Output(StrEnum):
    """Output formats of a result."""

    text = "text"
    json = "json"


OutputOption = Annotated[Output, typer.Option("--output", "-o", help="Output format.")]


def emit(value: T, output: Output, render: "Callable[[T], rich.console.RenderableType]") -> None:
    """Print `value` on stdout: as JSON, or as the text or rich renderable that `render` returns.

    Text in a renderable is never parsed as markup or as an emoji code: names and owners may have brackets and colons.
    """
    if output is Output.json:
        _print_json(value)
        return
    renderable = render(value)
    if isinstance(renderable, str):
        typer.echo(renderable)
    else:
        width = None if sys.stdout.isatty() else WIDTH_OF_A_FILE
        rich.console.Console(width=width, markup=False, emoji=False, highlight=False).print(renderable)


def emit_error(error: TaskGatewayError, output: Output) -> None:
    """Print what is wrong, where, and what to do: sentences on stderr, or an object on stdout for JSON."""
    problems = error.problems if isinstance(error, ConfigError) else ()
    if output is Output.json:
        shown: dict[str, object] = {
            "type": type(error).__name__,
            "message": error.message,
            "where": error.where,
            "hint": error.hint,
        }
        _print_json({"error": shown | ({"problems": problems} if problems else {})})
        return
    text = "\n".join([f"error: {error.message}", *(f"  {problem}" for problem in problems)])
    text += f"\n  at: {error.where}" if error.where else ""
    text += f"\n  try: {error.hint}" if error.hint else ""
    typer.echo("\n".join(map(printable, text.split("\n"))), err=True)


def say(sentence: str) -> None:
    """Print progress on stderr: stdout only has the result."""
    typer.echo(sentence, err=True)


def warn(message: str) -> None:
    """Print a warning on stderr: stdout only has the result."""
    say(f"warning: {message}")


def wanted(arguments: Sequence[str]) -> Output:
    """Return the output format of a command line, even if it cannot be parsed."""
    together = {"-ojson", "-o=json", "--output=json"}
    apart = {("-o", "json"), ("--output", "json")}
    asked = together.intersection(arguments) or apart.intersection(pairwise(arguments))
    return Output.json if asked else Output.text


def _print_json(value: object) -> None:
    typer.echo(records.text(value))
