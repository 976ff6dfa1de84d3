"""The ends of the program: exit codes and messages."""

import errno
import importlib
import json
import os
import re
import signal
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import typer

from task_gateway import __version__, cli
from task_gateway.cli import _commands, main
from task_gateway.errors import (
    ClusterUnreachable,
    ConfigError,
    NoFreeSlot,
    Problem,
    ToolMissing,
)
from task_gateway.reasons import ConfigRule
from task_gateway_lab.cli import _run

ACT = '''"""Do what the test asks for."""

from task_gateway.cli.output import Output, OutputOption


def register(app):
    @app.command("act")
    def act(output: OutputOption = Output.text) -> None:
        body()
'''


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def act(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Callable[[], object]], None]]:
    """Give the program one more command, `act`, by one more file."""
    (tmp_path / "act.py").write_text(ACT)
    monkeypatch.setattr(cli, "__path__", [*cli.__path__, str(tmp_path)])

    def add(body: Callable[[], object]) -> None:
        importlib.import_module(f"{cli.__name__}.act").__dict__["body"] = body

    yield add
    sys.modules.pop(f"{cli.__name__}.act", None)


def problem(line: int, key: str, message: str) -> Problem:
    return Problem("m.yaml", line, key, message, ConfigRule.WELL_FORMED)


def raiser(error: BaseException) -> Callable[[], object]:
    def body() -> None:
        raise error

    return body


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (NoFreeSlot("no slot is free", hint="end a task"), 1, "error: no slot is free\n  try: end a task\n"),
        (ToolMissing("kind is missing", where="PATH"), 2, "error: kind is missing\n  at: PATH\n"),
        (ClusterUnreachable("no answer"), 3, "error: no answer\n"),
        (
            ConfigError((problem(3, "a.b", "is wrong"), problem(0, "", "is empty"))),
            2,
            "error: 2 problems in the configuration\n  m.yaml:3: a.b: is wrong\n  m.yaml: is empty\n",
        ),
        (
            OSError(errno.ENOSPC, "No space left on device", "/x"),
            1,
            "error: No space left on device\n  at: /x\n  try: free space on that file system\n",
        ),
        (
            RuntimeError("two\nlines"),
            1,
            "error: internal error: RuntimeError: two lines; set TASK_GATEWAY_DEBUG=1 for the traceback\n",
        ),
        (KeyboardInterrupt(), 130, ""),
        (typer.Exit(1), 1, ""),
    ],
)
def test_each_error_has_its_message_and_exit_code(
    error: BaseException,
    code: int,
    said: str,
    act: Callable[[Callable[[], object]], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    act(raiser(error))
    assert main.main(["act"]) == code
    assert capsys.readouterr() == ("", said)


def test_errors_are_an_object_where_json_is_asked_for(
    act: Callable[[Callable[[], object]], None], capsys: pytest.CaptureFixture[str]
) -> None:
    act(raiser(NoFreeSlot("no slot is free", where="gw", hint="end a task")))
    assert main.main(["act", "-o", "json"]) == 1
    shown = capsys.readouterr()
    assert json.loads(shown.out) == {
        "error": {"type": "NoFreeSlot", "message": "no slot is free", "where": "gw", "hint": "end a task"}
    }
    assert shown.err == ""


def test_problems_of_a_file_are_in_the_object(
    act: Callable[[Callable[[], object]], None], capsys: pytest.CaptureFixture[str]
) -> None:
    act(raiser(ConfigError((problem(3, "a", "is wrong"),))))
    assert main.main(["act", "--output=json"]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["problems"] == [{"file": "m.yaml", "line": 3, "key": "a", "message": "is wrong"}]


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["confi"], "No such command 'confi'. Did you mean 'config'?", "task-gateway --help"),
        (["--nonsense"], "No such option: --nonsense", "task-gateway --help"),
        (["config", "validate"], "Missing argument", "task-gateway config validate --help"),
        (["config", "validate", "x", "-o", "xml"], "Invalid value", "task-gateway config validate --help"),
    ],
)
def test_a_wrong_command_line_is_a_usage_error(
    arguments: list[str], message: str, hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(arguments) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith(f"error: {message}")
    assert shown.err.endswith(f"\n  try: {hint}\n")


def test_a_wrong_command_line_is_an_object_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["confi", "-ojson"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["type"] == "UsageError"


@pytest.mark.parametrize("arguments", [[], ["config"]])
def test_a_command_left_out_shows_the_help(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(arguments) == 2
    assert capsys.readouterr().err.startswith(f"Usage: {' '.join(['task-gateway', *arguments])} ")


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["--version"]) == 0
    assert capsys.readouterr().out == f"task-gateway {__version__}\n"


def test_a_file_more_is_a_command_more(
    act: Callable[[Callable[[], object]], None], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(["--help"]) == 0
    assert re.search(r"^  act +Do what the test asks for$", capsys.readouterr().out, re.MULTILINE)


@pytest.mark.parametrize("name", sorted(_commands.files()))
def test_the_file_of_a_command_adds_it_and_begins_with_its_summary(name: str) -> None:
    found = _commands.summary(_commands.files()[name])
    assert _commands.load(name).name == name
    assert sys.modules[_commands.module(name)].__doc__ == f"{found}."
    assert len(found) <= _commands.SUMMARY_LETTERS


def test_each_command_is_in_a_part_of_the_help_that_fits_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["--help"]) == 0
    _, *parts = re.split(r"^(Operate|Set up|Laboratory):$", capsys.readouterr().out, flags=re.MULTILINE)
    found = {
        part: re.findall(r"^  ([a-z0-9-]+)  ", text, re.MULTILINE)
        for part, text in zip(parts[::2], parts[1::2], strict=True)
    }
    assert list(found) == list(_commands.PANELS)
    assert {"check", "expose", "ls"} <= set(found["Operate"])
    assert found["Set up"] == list(_commands.SET_UP)
    assert {"bench", "scenario"} <= set(found["Laboratory"])


@pytest.mark.parametrize("name", ["bench", "cluster", "config", "controller", "crds", "scenario"])
def test_no_summary_in_the_help_of_a_group_is_cut(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main([name, "--help"]) == 0
    rows = capsys.readouterr().out.partition("Commands:\n")[2].splitlines()
    assert rows
    assert not [row for row in rows if row.endswith(".") or not re.match(r"  \S+ +\S", row)]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("task-gateway cr", {"crds"}),
        ("task-gateway crds r", {"raise", "restore"}),
        ("task-gateway ls --wa", {"--watch"}),
    ],
)
def test_a_shell_completes_commands_and_options(words: str, expected: set[str]) -> None:
    asked = {"COMP_WORDS": words, "COMP_CWORD": str(words.count(" ")), "_TASK_GATEWAY_COMPLETE": "complete_bash"}
    command = [sys.executable, "-m", "task_gateway.cli.main"]
    ended = subprocess.run(command, env=os.environ | asked, capture_output=True, text=True, check=True)
    assert set(ended.stdout.split()) == expected


def test_the_traceback_is_there_for_those_who_ask(
    act: Callable[[Callable[[], object]], None],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TASK_GATEWAY_DEBUG", "1")
    act(raiser(RuntimeError("oops")))
    assert main.main(["act"]) == 1
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_sigterm_ends_like_ctrl_c_with_cleanup(act: Callable[[Callable[[], object]], None]) -> None:
    cleaned = []

    def body() -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            signal.pause()
        finally:
            cleaned.append(True)

    act(body)
    assert main.main(["act"]) == 130
    assert cleaned == [True]


def test_a_reader_that_goes_away_hears_nothing() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "task_gateway.cli.main", "--help"]
    ended = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert (ended.returncode, ended.stderr) == (1, b"")


def test_old_names_work_and_are_in_no_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["--help"]) == 0
    listed = set(re.findall(r"^  ([a-z-]+) ", capsys.readouterr().out, re.MULTILINE))
    assert {"limits", "crds"} <= listed
    assert listed.isdisjoint(_commands.OLD_NAMES)
    for name in _commands.OLD_NAMES:
        assert main.main([name, "--help"]) == 0


@pytest.mark.parametrize(("package", "extra"), [("playwright.sync_api", "lab"), ("socks", "socks")])
def test_a_package_that_is_not_installed_names_the_extra_that_brings_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], package: str, extra: str
) -> None:
    def run(*_: object, **__: object) -> None:
        raise ModuleNotFoundError(f"No module named {package!r}", name=package)

    monkeypatch.setattr("typer.main.get_command", run)
    assert main.main(["e2e", "-o", "json"]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["message"] == f"the Python package {package.split('.')[0]} is not installed"
    assert error["hint"] == f"pip install 'task-gateway[{extra}]'"


def test_a_run_asks_for_the_packages_of_the_extra() -> None:
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]
    assert [each.split("==")[0] for each in project["optional-dependencies"]["lab"]] == list(_run.LAB)


@pytest.mark.parametrize("words", ["bench expose", "crds cel --control-plane"])
def test_without_the_laboratory_the_extra_is_named(words: str) -> None:
    program = "import sys; sys.modules['task_gateway_lab'] = None; from task_gateway.cli.main import main; "
    command = [sys.executable, "-c", f"{program} sys.exit(main(sys.argv[1:]))", *words.split(), "-o", "json"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    error = json.loads(ended.stdout)["error"]
    assert (ended.returncode, error["type"]) == (2, "UsageError")
    assert "pip install 'task-gateway[lab]'" in error["hint"]


def test_a_module_that_this_project_lacks_is_no_matter_of_extras(
    act: Callable[[Callable[[], object]], None], capsys: pytest.CaptureFixture[str]
) -> None:
    name = "task_gateway_lab.nowhere"
    act(raiser(ModuleNotFoundError(f"No module named {name!r}", name=name)))
    assert main.main(["act"]) == 1
    assert "internal error" in capsys.readouterr().err
