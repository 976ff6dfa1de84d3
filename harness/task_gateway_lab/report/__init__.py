"""Renders results of the laboratory for programs, readers and terminals, by pure functions.

`from task_gateway_lab.report import bench_text` defers the import of that module to its first use.
"""

from typing import TYPE_CHECKING

from task_gateway.deferred import parts

if not TYPE_CHECKING:
    __getattr__ = parts(__name__)
