"""A registry with which a package finds its own parts: a new provider or scenario only requires a new file."""

import importlib
import pkgutil
from collections.abc import Callable, Collection, Iterator, Mapping
from types import MappingProxyType, ModuleType
from typing import Generic, TypeVar

from task_gateway.errors import UsageError

T = TypeVar("T")


class Registry(Generic[T]):
    """Named parts of one kind. Modules of `package` register themselves when they are imported.

    `removed` maps the name of a part of an earlier release to the one to use instead. `without` are modules of the
    package that register nothing and are not imported to find its parts.
    """

    def __init__(
        self,
        kind: str,
        package: str,
        removed: Mapping[str, str] = MappingProxyType({}),
        *,
        without: Collection[str] = (),
    ) -> None:
        self._kind = kind
        self._package = package
        self._removed = removed
        self._without = without
        self._parts: dict[str, T] = {}
        self._loaded = False

    def register(self, name: str) -> Callable[[T], T]:
        """Return a decorator that registers the decorated part under `name`."""

        def keep(part: T) -> T:
            if name in self._parts:
                raise ValueError(f"two {self._kind}s are called {name!r}")
            self._parts[name] = part
            return part

        return keep

    def get(self, name: str) -> T:
        """Return the part `name`; if there is none, UsageError with the known names or the one to use instead."""
        self._load()
        if name in self._removed and name not in self._parts:
            raise UsageError(f"the {self._kind} {name!r} was removed", hint=f"use {self._removed[name]}")
        if name not in self._parts:
            raise UsageError(f"no {self._kind} is called {name!r}", hint=f"known: {', '.join(self.names())}")
        return self._parts[name]

    def names(self) -> list[str]:
        """Return all names, sorted."""
        self._load()
        return sorted(self._parts)

    def __iter__(self) -> Iterator[T]:
        self._load()
        return iter([self._parts[name] for name in sorted(self._parts)])

    def _load(self) -> None:
        if self._loaded:
            return
        package: ModuleType = importlib.import_module(self._package)
        for module in pkgutil.iter_modules(package.__path__):
            if module.name not in self._without:
                importlib.import_module(f"{self._package}.{module.name}")
        self._loaded = True
