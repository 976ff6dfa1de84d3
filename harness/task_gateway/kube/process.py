"""Starts programs. It is the only module that imports subprocess, so all programs are treated alike."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from task_gateway import settings
from task_gateway.errors import CommandFailed, DiskFull, ToolMissing

TAIL_LINES = 20
STOP_SECONDS = 10.0
END_PAUSE_SECONDS = 0.02  # between checks of a process that is not a child of ours
Word = str | Path
_spawned: "list[subprocess.Popen[bytes]]" = []  # kept, to reap those that end


@dataclass(frozen=True)
class Completed:
    """A program that ended: its exit code and what it printed."""

    code: int
    stdout: str
    stderr: str


class Process:
    """A program that runs in the background in its own process group."""

    def __init__(self, popen: "subprocess.Popen[bytes]") -> None:
        self._popen = popen

    @property
    def pid(self) -> int:
        """The process id, which is also the id of its process group."""
        return self._popen.pid

    def poll(self) -> int | None:
        """Return the exit code, or None while it runs."""
        return self._popen.poll()

    def stop(self) -> None:
        """End the whole group: send SIGTERM, wait, then send SIGKILL."""
        _end(self._popen)

    def detach(self) -> None:
        """Keep it running after this program ends; `end` stops it later, from any program of the same user."""
        self._popen.returncode = 0  # otherwise Popen warns about a running child


def tool(name: str) -> Path:
    """Return the program `name`: the toolchain's, else the one on PATH; ToolMissing if there is none."""
    built = settings.tools_dir() / name
    if built.exists():
        return built
    found = shutil.which(name)
    if found is None:
        raise ToolMissing(f"the program {name} is not installed", where=str(built), hint="make toolchain")
    return Path(found)


def run(
    argv: Sequence[Word],
    *,
    env: Mapping[str, str] | None = None,
    input: str | None = None,
    check: bool = True,
    timeout: float | None = None,
    log: Path | None = None,
    on_line: Callable[[str], None] | None = None,
) -> Completed:
    """Run a program to its end and return its output.

    `env` is added to the environment, `timeout` is in seconds, `log` collects both outputs, `on_line` gets each line
    immediately. The program and its children end when this call is interrupted. Raises ToolMissing, and with `check`
    CommandFailed or DiskFull.
    """
    popen = _start(argv, env, stdin=subprocess.DEVNULL if input is None else subprocess.PIPE)
    outputs: tuple[list[str], list[str]] = ([], [])
    readers = [
        threading.Thread(target=_collect, args=(stream, lines, on_line), daemon=True)
        for stream, lines in zip((popen.stdout, popen.stderr), outputs, strict=True)
    ]
    try:
        for reader in readers:
            reader.start()
        if input is not None and popen.stdin is not None:
            _feed(popen.stdin, input)
        code = popen.wait(timeout)
    except subprocess.TimeoutExpired:
        _end(popen)
        raise CommandFailed(f"{_name(argv)} did not end within {timeout:.0f} s", code=-1) from None
    except BaseException:
        _end(popen)
        raise
    for reader in readers:
        reader.join()
    completed = Completed(code, "".join(outputs[0]), "".join(outputs[1]))
    if log is not None:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a") as file:
            file.write(completed.stdout + completed.stderr)
    if check and code != 0:
        raise failure(_name(argv), completed)
    return completed


def attended(argv: Sequence[Word], *, env: Mapping[str, str], interactive: bool) -> Completed:
    """Run a program that may prompt the user at the terminal, and return its output with any exit code.

    It shares the terminal, if there is one, and its standard error appears there. OSError if it cannot be started.
    """
    stdin = None if interactive else subprocess.DEVNULL
    words = [str(word) for word in argv]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdin=stdin, stdout=pipe, stderr=pipe, env={**os.environ, **env}) as popen:
        errors: list[bytes] = []
        reader = threading.Thread(target=_copy, args=(popen.stderr, errors), daemon=True)
        reader.start()
        try:
            output = popen.stdout.read() if popen.stdout else b""
            reader.join()
        except BaseException:
            popen.kill()
            raise
    return Completed(popen.returncode, output.decode(errors="replace"), b"".join(errors).decode(errors="replace"))


def spawn(argv: Sequence[Word], *, log: Path, env: Mapping[str, str] | None = None) -> Process:
    """Start a program that outlives this call; both of its outputs go to `log`."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as file:
        popen = _start(argv, env, stdin=subprocess.DEVNULL, output=file)
    _spawned.append(popen)
    return Process(popen)


def end(pid: int, mark: str) -> None:
    """End a detached program and its group; if its command line lacks `mark`, the id belongs to another program."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if runs(pid, mark):
            _signal(pid, number)
        deadline = time.monotonic() + STOP_SECONDS
        while runs(pid, mark) and time.monotonic() < deadline:
            time.sleep(END_PAUSE_SECONDS)


def runs(pid: int, mark: str) -> bool:
    """Return whether the process `pid` exists and has `mark` in its command line."""
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)  # reap it, if it is a child of this process that ended
    try:
        return mark in Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return False


def failure(name: str, completed: Completed) -> CommandFailed:
    """Return the error of a failed program: the last lines of its output, and a hint for a full disk."""
    lines = (completed.stderr.strip() or completed.stdout.strip()).splitlines()
    tail = "\n".join(lines[-TAIL_LINES:])
    if "no space left on device" in (completed.stdout + completed.stderr).lower():
        return DiskFull(
            f"{name}: no space left on device",
            code=completed.code,
            tail=tail,
            hint="df -h; task-gateway cluster ls",
        )
    return CommandFailed(f"{name} ended with exit code {completed.code}: {tail}", code=completed.code, tail=tail)


def _start(
    argv: Sequence[Word],
    env: Mapping[str, str] | None,
    *,
    stdin: int,
    output: IO[bytes] | None = None,
) -> "subprocess.Popen[bytes]":
    words = [str(word) for word in argv]
    try:
        return subprocess.Popen(
            words,
            stdin=stdin,
            stdout=output or subprocess.PIPE,
            stderr=subprocess.STDOUT if output else subprocess.PIPE,
            env={**os.environ, **(env or {})},
            start_new_session=True,
        )
    except FileNotFoundError:
        raise ToolMissing(f"the program {words[0]} is not installed", hint="make toolchain") from None
    except PermissionError:
        raise ToolMissing(f"the program {words[0]} may not be executed", hint=f"ls -l {words[0]}") from None


def _collect(stream: IO[bytes], lines: list[str], on_line: Callable[[str], None] | None) -> None:
    with stream:
        for raw in stream:
            line = raw.decode(errors="replace")
            lines.append(line)
            if on_line is not None:
                on_line(line.rstrip("\n"))


def _copy(stream: IO[bytes], kept: list[bytes]) -> None:
    """Keep the output, and show it at once at the terminal, because a prompt has no end of line."""
    shown = sys.stderr.isatty()
    while piece := os.read(stream.fileno(), 4096):
        kept.append(piece)
        if shown:
            sys.stderr.write(piece.decode(errors="replace"))
            sys.stderr.flush()


def _feed(stdin: IO[bytes], text: str) -> None:
    try:
        with stdin:
            stdin.write(text.encode())
    except BrokenPipeError:
        return  # it ended without reading; its exit code has the reason


def _end(popen: "subprocess.Popen[bytes]") -> None:
    if popen.poll() is not None:
        return
    try:
        _signal(popen.pid, signal.SIGTERM)
        popen.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        pass
    finally:  # also child processes that the program left behind
        _signal(popen.pid, signal.SIGKILL)
        popen.wait()


def _signal(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, number)


def _name(argv: Sequence[Word]) -> str:
    return " ".join([Path(argv[0]).name, *(str(word) for word in argv[1:3] if not str(word).startswith("-"))])
