"""Modules that are imported when they are first used."""

import importlib
import sys
from pathlib import Path

import pytest

from task_gateway.deferred import Deferred


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A package with a submodule that nothing has imported."""
    name = "deferred_example"
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").write_text("number = 1\n")
    (tmp_path / name / "part.py").write_text("class Failed(Exception):\n    pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    for each in (name, f"{name}.part"):
        monkeypatch.delitem(sys.modules, each, raising=False)
    return name


def test_a_module_is_imported_with_its_first_attribute(package: str) -> None:
    module = Deferred(package)
    assert package not in sys.modules
    assert module.number == 1
    assert f"{package}.part" not in sys.modules


def test_a_submodule_is_an_attribute_and_its_errors_are_caught(package: str) -> None:
    module = Deferred(package)
    with pytest.raises(module.part.Failed):
        raise importlib.import_module(f"{package}.part").Failed


def test_nothing_can_be_set_that_the_module_itself_would_not_have(package: str) -> None:
    with pytest.raises(AttributeError, match="set number in the module deferred_example itself"):
        Deferred(package).number = 2


@pytest.mark.parametrize(("name", "error"), [("__wrapped__", AttributeError), ("absent", ModuleNotFoundError)])
def test_an_unknown_attribute_is_an_error(package: str, name: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        getattr(Deferred(package), name)
