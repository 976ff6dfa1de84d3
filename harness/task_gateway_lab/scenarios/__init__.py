"""What the harness proves on real clusters: by name in `base.SCENARIOS`, each with its data beside it.

`from task_gateway_lab.scenarios import runtime` defers the import of that module to its first use, as of all RUN_ONLY.
"""

from types import ModuleType
from typing import TYPE_CHECKING

from task_gateway.deferred import Deferred

RUN_ONLY = frozenset(
    ("borrowed", "cluster_set", "environment", "evidence", "own_hub", "product", "run", "runner", "runtime")
)
"""Modules that only a run of scenarios uses. They declare none, so that a list of the scenarios does not need them."""

if not TYPE_CHECKING:

    def __getattr__(name: str) -> ModuleType:
        if name not in RUN_ONLY:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return Deferred(f"{__name__}.{name}")
