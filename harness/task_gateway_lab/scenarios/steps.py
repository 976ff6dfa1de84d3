"""The steps of a run: each is timed, shown while it runs, and recorded with what was seen or why it failed."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from task_gateway.deferred import rich
from task_gateway.errors import ConfigError, TaskGatewayError
from task_gateway.model import StepResult


class Reporter(Protocol):
    """Receives the progress of a run."""

    def started(self, name: str) -> None:
        """Note that a step begins."""

    def progressed(self, sentence: str) -> None:
        """Note what a step is doing."""

    def ended(self, step: StepResult) -> None:
        """Note that a step has ended."""


class StepLog:
    """The messages of a step: `say` shows one while it runs, `detail` is recorded."""

    def __init__(self, reporter: Reporter) -> None:
        self.detail = ""
        self.say = reporter.progressed


class StepRecorder:
    """The completed steps of one run, in `done`."""

    def __init__(self, reporter: Reporter) -> None:
        self.done: list[StepResult] = []
        self._watcher = reporter

    @contextmanager
    def step(self, name: str) -> Iterator[StepLog]:
        """Time the context as a step. It fails if the context raises, and the error is raised again."""
        note = StepLog(self._watcher)
        self._watcher.started(name)
        started = time.monotonic()
        try:
            yield note
        except BaseException as error:
            self._end(name, started, why(error), passed=False)
            raise
        self._end(name, started, note.detail, passed=True)

    def _end(self, name: str, started: float, detail: str, *, passed: bool) -> None:
        step = StepResult(name, passed, round(time.monotonic() - started, 3), detail)
        self.done.append(step)
        self._watcher.ended(step)


def why(error: BaseException) -> str:
    """Return the cause of a failure as a sentence."""
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    if isinstance(error, ConfigError):
        return f"{error.message}: {'; '.join(map(str, error.problems))}"
    if isinstance(error, TaskGatewayError):
        return f"{error.message} ({error.where})" if error.where else error.message
    return f"{type(error).__name__}: {error}"


class TerminalReporter:
    """Shows a run on stderr: a line for each completed step, and what the current one is doing."""

    def __init__(self, console: "rich.console.Console") -> None:
        self._console = console
        self._status: rich.status.Status | None = None
        self._name = ""

    def started(self, name: str) -> None:
        """Show the current step."""
        self._name = name
        if self._console.is_terminal:
            self._status = self._console.status(rich.text.Text(name))
            self._status.start()

    def progressed(self, sentence: str) -> None:
        """Show what the step is doing: on a terminal in the status line, otherwise on a new line."""
        if self._status is not None:
            self._status.update(rich.text.Text(f"{self._name}: {sentence}"))
        else:
            self._console.print(rich.text.Text(f"  {sentence}"), soft_wrap=True)

    def ended(self, step: StepResult) -> None:
        """Print the step's line."""
        if self._status is not None:
            self._status.stop()
            self._status = None
        mark = rich.text.Text("√", "green") if step.passed else rich.text.Text("×", "bold red")
        detail = f"  {step.detail}" if step.detail else ""
        self._console.print(
            rich.text.Text.assemble(mark, f" {step.seconds:6.1f} s  {step.name}{detail}"), soft_wrap=True
        )


class CompactReporter:
    """Shows one of several parallel scenarios: a line for each completed step, with the name of the scenario."""

    def __init__(self, console: "rich.console.Console", name: str, lock: threading.Lock) -> None:
        self._console, self._name, self._lock = console, name, lock

    def started(self, name: str) -> None:
        """Print nothing, because the lines of parallel scenarios would mix."""

    def progressed(self, sentence: str) -> None:
        """Print nothing, for the same reason."""

    def ended(self, step: StepResult) -> None:
        """Print the step's line."""
        mark = rich.text.Text("√", "green") if step.passed else rich.text.Text("×", "bold red")
        detail = f"  {step.detail}" if step.detail else ""
        with self._lock:
            line = rich.text.Text.assemble(mark, f" {step.seconds:6.1f} s  {self._name}: {step.name}{detail}")
            self._console.print(line, soft_wrap=True)
