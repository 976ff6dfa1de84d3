"""The program that tests containers runs, and ends with exit code 0."""

import platform
from pathlib import Path

import pytest

from task_gateway.kube.process import run
from task_gateway_lab.clusters import probe_program


@pytest.mark.skipif(platform.system() != "Linux", reason="it is a program for Linux")
def test_it_ends_with_exit_code_0(tmp_path: Path) -> None:
    program = tmp_path / "probe"
    program.write_bytes(probe_program.program())
    program.chmod(0o755)
    assert run([program]).code == 0


def test_there_is_one_for_each_processor_that_nodes_run_on() -> None:
    assert probe_program.program("arm64") == probe_program.program("aarch64") != probe_program.program("x86_64")
    with pytest.raises(KeyError):
        probe_program.program("m68k")
