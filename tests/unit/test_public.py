"""What the package exports to a master, and that a name costs no import before it is used."""

import subprocess
import sys

import pytest

import task_gateway
from task_gateway import errors, model, settings, version
from task_gateway.inventory import target
from task_gateway.routing import gateway

ROOMS = (errors, model, settings, version, target, gateway)


def test_each_exported_name_is_that_of_its_room() -> None:
    for name in task_gateway.__all__:
        (found,) = {id(each): each for room in ROOMS if (each := vars(room).get(name)) is not None}.values()
        assert getattr(task_gateway, name) is found
        assert name in dir(task_gateway)


def test_another_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'task_gateway' has no attribute 'Nothing'"):
        _ = task_gateway.Nothing


def test_importing_the_package_imports_no_room() -> None:
    program = "import sys, task_gateway; print(*(each for each in sys.modules if each.startswith('task_gateway.')))"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout == "task_gateway.version\n"
