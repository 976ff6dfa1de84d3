"""A plugin that records the replayed Determined master: pytest -p tests.apiserver.determined_record."""

from pathlib import Path

import pytest

OPTION = "--determined-record"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(OPTION, type=Path, help="replay 200 tasks, and write the result to this file")


def file_of(config: pytest.Config) -> Path | None:
    """Return the file to write, None if no record is requested."""
    found: Path | None = config.getoption(OPTION, None)
    return found
