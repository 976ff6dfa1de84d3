"""What a run looks like to a program (JSON, JUnit), a reader (Markdown) and on a terminal; pure functions.

`from task_gateway.report import tasks` defers the import of that module, and of the library that it draws with, to
its first use.
"""

from typing import TYPE_CHECKING

from task_gateway.deferred import parts

if not TYPE_CHECKING:
    __getattr__ = parts(__name__)
