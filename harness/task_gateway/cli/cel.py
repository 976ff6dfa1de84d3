"""Find the listener limit (use crds cel)."""

import typer

from task_gateway.cli import _cel


def register(root: typer.Typer) -> None:
    """Add the old name to the program."""
    root.command(epilog=_cel.EPILOG, hidden=True)(_cel.cel)
