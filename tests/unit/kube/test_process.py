"""Programs: their output, their failures, and that none of their processes is left behind."""

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from task_gateway.errors import CommandFailed, DiskFull, ToolMissing
from task_gateway.kube import process
from task_gateway.kube.process import Completed, end, failure, run, runs, spawn, tool

FAMILY = "sleep 60 & echo $! > {file}; wait"  # a program with a child process


def comes(file: Path) -> int:
    """Return the process id that a program writes into `file`."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        if file.exists() and (text := file.read_text().strip()):
            return int(text)
        time.sleep(0.01)
    raise AssertionError(f"no {file}")


def goes(pid: int) -> bool:
    """Return whether a process ends within a moment; a zombie has ended."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.01)
    return False


def test_both_outputs_can_be_read_and_each_line_is_seen_as_it_comes(tmp_path: Path) -> None:
    seen: list[str] = []
    done = run(["sh", "-c", "echo out; echo err >&2"], on_line=seen.append, log=tmp_path / "logs" / "log")
    assert done == Completed(0, "out\n", "err\n")
    assert sorted(seen) == ["err", "out"]
    assert (tmp_path / "logs" / "log").read_text() == "out\nerr\n"


def test_input_and_environment_are_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEPT", "1")
    program = "import os, sys, json; print(json.dumps([os.environ['KEPT'], os.environ['MORE'], sys.stdin.read()]))"
    done = run([sys.executable, "-c", program], env={"MORE": "2"}, input="x" * 200_000)
    assert json.loads(done.stdout) == ["1", "2", "x" * 200_000]


def test_input_that_nobody_reads_is_no_error() -> None:
    assert run(["true"], input="x" * 200_000).code == 0


def test_a_failure_tells_its_last_lines_and_no_secret() -> None:
    with pytest.raises(CommandFailed) as failed:
        run(["sh", "-c", "seq 100 >&2; exit 3", "--token=secret"], env={"TOKEN": "secret"})
    assert failed.value.code == 3
    assert failed.value.tail.splitlines() == [str(number) for number in range(81, 101)]
    assert "secret" not in str(failed.value)
    assert run(["sh", "-c", "exit 3"], check=False).code == 3


@pytest.mark.parametrize(
    ("stdout", "stderr", "error"),
    [
        ("", "write /var/lib/x: no space left on device\n", DiskFull),
        ("tar: No space left on device\n", "it failed\n", DiskFull),
        ("", "no route to host\n", CommandFailed),
    ],
)
def test_a_full_disk_is_told_apart(stdout: str, stderr: str, error: type[CommandFailed]) -> None:
    problem = failure("kind create cluster", Completed(1, stdout, stderr))
    assert type(problem) is error
    assert problem.code == 1
    assert "kind create cluster" in problem.message


def test_a_program_that_takes_too_long_is_ended_with_its_children(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    with pytest.raises(CommandFailed, match="did not end within"):
        run(["sh", "-c", FAMILY.format(file=file)], timeout=0.5)
    assert goes(comes(file))


def test_an_interrupt_ends_the_program_and_its_children(tmp_path: Path) -> None:
    file = tmp_path / "pid"

    def interrupt() -> None:
        comes(file)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    interrupter = threading.Thread(target=interrupt)
    interrupter.start()
    with pytest.raises(KeyboardInterrupt):
        run(["sh", "-c", FAMILY.format(file=file)])
    interrupter.join()
    assert goes(comes(file))


def test_a_program_that_ignores_the_first_signal_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "STOP_SECONDS", 0.2)
    file = tmp_path / "pid"
    stubborn = spawn(["sh", "-c", f"trap '' TERM; echo $$ > {file}; while :; do sleep 1; done"], log=tmp_path / "log")
    comes(file)
    stubborn.stop()
    assert stubborn.poll() == -signal.SIGKILL


def test_a_detached_program_is_ended_by_its_id_only_if_it_is_the_one_meant(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    started = spawn(["sh", "-c", FAMILY.format(file=file)], log=tmp_path / "log")
    child = comes(file)
    started.detach()
    end(started.pid, "another program")
    assert runs(started.pid, str(tmp_path))
    end(started.pid, str(tmp_path))
    assert not runs(started.pid, str(tmp_path))
    assert goes(child)
    end(started.pid, str(tmp_path))


def test_a_tool_is_the_toolchains_before_the_one_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built, installed = tmp_path / "built", tmp_path / "installed"
    for folder in (built, installed):
        folder.mkdir()
        (folder / "kind").write_text("#!/bin/sh\n")
        (folder / "kind").chmod(0o755)
    monkeypatch.setenv("TASK_GATEWAY_TOOLS", str(built))
    monkeypatch.setenv("PATH", f"{installed}{os.pathsep}/usr/bin")
    assert tool("kind") == built / "kind"
    (built / "kind").unlink()
    assert tool("kind") == installed / "kind"
    (installed / "kind").unlink()
    with pytest.raises(ToolMissing, match="kind is not installed") as missing:
        tool("kind")
    assert missing.value.hint == "make toolchain"


def test_a_program_that_is_not_there_or_not_executable(tmp_path: Path) -> None:
    with pytest.raises(ToolMissing, match="is not installed"):
        run([tmp_path / "nothing"])
    (tmp_path / "text").write_text("text")
    with pytest.raises(ToolMissing, match="may not be executed"):
        run([tmp_path / "text"])
