"""Renders results for programs (JSON, JUnit), readers (Markdown) and terminals, by pure functions.

`from task_gateway.report import tasks` defers the import of that module, and of its rendering library, to its first
use.
"""

from typing import TYPE_CHECKING

from task_gateway.deferred import parts

if not TYPE_CHECKING:
    __getattr__ = parts(__name__)
