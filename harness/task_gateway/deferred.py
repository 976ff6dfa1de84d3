"""Imports libraries on first use, because most commands need few of them, and each import takes CPU time.

`from task_gateway.deferred import yaml` stands for `import yaml`; annotations that use it are quoted. A library whose
submodules are used needs its imports for the type checker too. For a module of this project that imports much and is
used in few calls, `Deferred` does the same. The laboratory has an example of each: master/notebook.py and
scenarios/borrowed.py.
"""

import importlib
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any

# ruff: noqa: F401
if TYPE_CHECKING:
    import asyncio as asyncio
    import concurrent as concurrent
    import concurrent.futures
    import hashlib as hashlib
    import http as http
    import http.client
    import secrets as secrets
    import socket as socket
    import ssl as ssl
    import tarfile as tarfile
    import tempfile as tempfile

    import paramiko as paramiko
    import rich as rich
    import rich.console
    import rich.status
    import rich.table
    import rich.text
    import urllib3 as urllib3
    import yaml as yaml
else:

    def __getattr__(name: str) -> ModuleType:
        return Deferred(name)


class Deferred(ModuleType):
    """A module that is imported when one of its attributes is first used; a submodule is also an attribute."""

    def __getattr__(self, name: str) -> Any:
        module = importlib.import_module(self.__name__)
        try:
            return getattr(module, name)
        except AttributeError:
            if not hasattr(module, "__path__") or name.startswith("_"):
                raise
        return importlib.import_module(f"{self.__name__}.{name}")

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"set {name} in the module {self.__name__} itself")


def parts(package: str) -> Callable[[str], ModuleType]:
    """Return the `__getattr__` of a package that defers the import of its modules to their first use."""

    def deferred(name: str) -> ModuleType:
        if name.startswith("_"):
            raise AttributeError(name)
        return Deferred(f"{package}.{name}")

    return deferred
