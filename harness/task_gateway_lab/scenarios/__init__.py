"""The tests that run on real clusters; `base.SCENARIOS` has them by name.

`from task_gateway_lab.scenarios import runtime` defers the import of a module in RUN_ONLY to its first use.
"""

from types import ModuleType
from typing import TYPE_CHECKING

from task_gateway.deferred import Deferred

RUN_ONLY = frozenset(
    ("borrowed", "cluster_set", "environment", "evidence", "own_hub", "product", "run", "runner", "runtime")
)
"""Modules that only a run uses. They declare no scenarios, so a list of the scenarios does not import them."""

if not TYPE_CHECKING:

    def __getattr__(name: str) -> ModuleType:
        if name not in RUN_ONLY:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return Deferred(f"{__name__}.{name}")
