"""The program `task-gateway`: runs a command, and maps each outcome to a message and an exit code."""

import errno
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from types import FrameType
from typing import Annotated

import typer

from task_gateway.cli._commands import Commands
from task_gateway.cli.output import emit_error, wanted
from task_gateway.errors import INTERRUPTED, TaskGatewayError, UsageError
from task_gateway.version import __version__

PROGRAM = "task-gateway"
DEBUG = "TASK_GATEWAY_DEBUG"
EXTRAS = {"socks": "socks"}
"""The extra of the distribution that installs a package, if it is not `lab`."""
OURS = ("task_gateway.", "task_gateway_lab.")
"""Packages whose missing modules are internal errors. The laboratory itself may not be installed."""
NO_COMMAND = "NoArgsIsHelpError"
"""The class of the error whose message is the help. Typer does not export it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code. SIGTERM has the same effect as Ctrl-C, with cleanup."""
    arguments = sys.argv[1:] if arguments is None else arguments
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        code = _run(arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has closed the pipe. The interpreter's own flush at exit must not report it either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return code


def build() -> typer.Typer:
    """Return the application, with a command for each file of `cli` and options that set up shell completion."""
    app = typer.Typer(
        cls=Commands,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        help="Reach notebooks and other tasks in another cluster through one address and a port range.",
        epilog="Exit codes: 0 success, 1 problems found, 2 usage or configuration error, 3 cluster unreachable, "
        "130 interrupted.",
    )
    app.callback()(_root)
    return app


def _run(arguments: Sequence[str]) -> int:
    try:
        command = typer.main.get_command(build())
        code = command.main(list(arguments), prog_name=PROGRAM, standalone_mode=False)
    except TaskGatewayError as error:
        return _fail(error, arguments)
    except typer.TyperException as error:
        return _refuse(error, arguments)
    except typer.Abort:
        return INTERRUPTED
    except BrokenPipeError:
        raise
    except Exception as error:
        if os.environ.get(DEBUG):
            traceback.print_exc()
        return _fail(_unexpected(error), arguments)
    return code if isinstance(code, int) else 0


def _fail(error: TaskGatewayError, arguments: Sequence[str]) -> int:
    emit_error(error, wanted(arguments))
    return error.exit_code


def _refuse(error: typer.TyperException, arguments: Sequence[str]) -> int:
    """Report what is wrong with the command line. If a command is missing, print the help."""
    context: typer.Context | None = getattr(error, "ctx", None)
    message = error.format_message()
    if type(error).__name__ == NO_COMMAND:
        typer.echo(message, err=True)
        return UsageError.exit_code
    path = context.command_path if context else PROGRAM
    return _fail(UsageError(message, hint=f"{path} --help"), arguments)


def _unexpected(error: Exception) -> TaskGatewayError:
    if isinstance(error, ModuleNotFoundError) and error.name and not error.name.startswith(OURS):
        name = error.name.split(".")[0]
        extra = EXTRAS.get(name, "lab")
        return UsageError(f"the Python package {name} is not installed", hint=f"pip install 'task-gateway[{extra}]'")
    if isinstance(error, OSError) and error.strerror:
        full = error.errno == errno.ENOSPC
        hint = "free space on that file system" if full else None
        return TaskGatewayError(error.strerror, where=error.filename and str(error.filename), hint=hint)
    summary = " ".join(f"{type(error).__name__}: {error}".split())
    return TaskGatewayError(f"internal error: {summary}; set {DEBUG}=1 for the traceback")


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"{PROGRAM} {__version__}")
        raise typer.Exit


def _root(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    pass


if __name__ == "__main__":
    sys.exit(main())
