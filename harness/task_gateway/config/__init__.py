"""Reads master configurations. Only this package knows their keys. All problems of a file are found at once."""

from pathlib import Path

from task_gateway.errors import ConfigError, Problem
from task_gateway.model import MasterConfig
from task_gateway.reasons import ConfigRule

HINT = "docs/configuration.md has the keys, their rules and examples"


def load(path: Path) -> MasterConfig:
    """Read the master configuration at `path`; ConfigError has all problems, including an unreadable file."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise _unreadable(str(path), 0, f"cannot be read: {error.strerror}") from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = f"byte 0x{data[error.start]:02x} is not UTF-8; save the file as UTF-8"
        raise _unreadable(str(path), line, message) from error
    return parse(text, str(path))


def parse(text: str, file: str) -> MasterConfig:
    """Read a master configuration from `text`; `file` is the name of the file in problems."""
    from task_gateway.config.document import Document  # most commands read no file, and need no YAML library
    from task_gateway.config.master import read

    document = Document(text, file)
    try:
        master = read(document)
    except RecursionError as error:
        raise _unreadable(file, 0, "has too long a chain of <<", hint=HINT) from error
    if document.problems or master is None:
        raise ConfigError(document.problems, hint=HINT)
    return master


def _unreadable(file: str, line: int, message: str, *, hint: str | None = None) -> ConfigError:
    return ConfigError((Problem(file, line, "", message, ConfigRule.READABLE),), hint=hint)
