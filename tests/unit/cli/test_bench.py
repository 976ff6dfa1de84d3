"""The command `task-gateway bench`; tests/bench tests the measurements."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from task_gateway import __version__
from task_gateway.cli.main import build, main
from task_gateway.spread import Spread
from task_gateway_lab.bench import burst, compare, dataplane, expose
from task_gateway_lab.clusters import operator_image
from task_gateway_lab.model_bench import ExposeRecord, ExposeReport, PeerReport

RUNNER = CliRunner()
RECORD = ExposeRecord(
    "contour", "slots", 10, 2, 1.0, 64, 1.0, 1.0, Spread(0.1, 0.2), Spread(0.1, 0.2), Spread(0.1, 0.2), 0.0, 1, 1
)
REPORT = ExposeReport({"kubernetes": "v9"}, {"cores": "2"}, (RECORD,))


@pytest.fixture
def charts(tmp_path: Path) -> str:
    for name in ("internal-task-gateway", "gateway-api-crds"):
        (tmp_path / f"{name}-{__version__}.tgz").touch()
    return str(tmp_path)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The combinations that were to be measured, in place of clusters."""
    found: list[Any] = []

    def measure(combos: list[Any], *_words: object, **_options: object) -> ExposeReport:
        found.extend(combos)
        return REPORT

    def measure_each(combos: list[Any], *_words: object, **_options: object) -> list[ExposeReport]:
        found.extend(combos)
        return [ExposeReport(), REPORT]

    for module in (expose, burst):
        monkeypatch.setattr(module, "measure", measure_each)
    monkeypatch.setattr(dataplane, "measure", measure)
    return found


def test_json_is_the_record_that_is_written(charts: str, asked: list[Any], tmp_path: Path) -> None:
    folder = tmp_path / "new" / "bench"
    words = ["bench", "expose", "--controller", "contour", "--strategy", "slots", "--active", "10", "--samples", "2"]
    done = RUNNER.invoke(build(), [*words, "--dist", charts, "--record", str(folder), "-o", "json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == json.loads((folder / "expose.json").read_text())
    assert json.loads(done.stdout)["records"][0]["ready_seconds"] == {"median": 0.1, "p99": 0.2}
    assert (folder / "expose.svg").exists()
    assert [(each.controller, each.strategy, each.sizes, each.samples) for each in asked] == [
        ("contour", "slots", (10,), 2)
    ]


def test_a_burst_is_of_slots_and_the_operator_unless_a_strategy_is_named(
    charts: str, asked: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("task_gateway_lab.report.bench_text.bursts", lambda _report: "")
    words = ["bench", "burst", "--dist", charts, "--tasks", "5"]
    assert main([*words, "--strategy", "slots"]) == 0
    assert {(each.strategy, each.slots) for each in asked} == {("slots", 64)}
    asked.clear()
    (Path(charts) / operator_image.ARCHIVE).touch()
    assert main(words) == 0
    assert {(each.strategy, each.slots) for each in asked} == {("slots", 64), ("operator", 64)}


def test_the_operator_is_only_measured_with_its_image(
    charts: str, asked: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", "expose", "--strategy", "operator", "--dist", charts]) == 2
    assert "make image" in capsys.readouterr().err
    assert asked == []


def test_peers_are_measured_next_to_each_controller_and_recorded(
    charts: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[Any] = []

    def measure(combos: list[Any], _charts: object, amount: compare.Amount, **_options: object) -> list[PeerReport]:
        asked.extend((each.controller, each.strategy, amount.rounds) for each in combos)
        return [PeerReport(), PeerReport(reference="slot")]

    monkeypatch.setattr(compare, "measure", measure)
    done = RUNNER.invoke(build(), ["bench", "peers", "--rounds", "2", "--dist", charts, "--record", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert asked == [("envoy-gateway", "slots", 2), ("contour", "slots", 2)]
    assert json.loads((tmp_path / "peers.json").read_text())["reference"] == "slot"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--active", "10,many"], "'10,many' is not a list of numbers"),
        (["--controller", "nginx"], "nothing is measured with nginx"),
    ],
)
def test_a_wrong_call_is_refused_before_anything_is_made(
    words: list[str], says: str, charts: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", "expose", *words, "--dist", charts]) == 2
    assert says in capsys.readouterr().err


def test_charts_that_are_not_there_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "burst", "--dist", str(tmp_path)]) == 2
    told = capsys.readouterr().err
    assert str(tmp_path) in told
    assert "make charts" in told


@pytest.mark.parametrize("name", ["expose", "burst", "dataplane", "crd-write", "operator", "peers", "scale"])
def test_each_command_has_an_example(name: str) -> None:
    assert f"Example: task-gateway bench {name}" in RUNNER.invoke(build(), ["bench", name, "--help"]).output


@pytest.mark.parametrize("pods", ["many", "-1", "4001", ""])
def test_a_number_of_pods_that_does_not_fit_is_refused(
    pods: str, charts: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", "operator", "--pods", pods, "--dist", charts]) == 2
    assert "--pods 0,1000" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--tasks", "10", "--slots", "10"], "10 tasks and one more in 10 slots of a release"),
        (["--slots", "1025"], "in 1,025 slots of a release, at most 1,024"),
        (["--strategy", "listeners"], "the strategy listeners uses no slots"),
        (["--controller", "nginx"], "nothing is measured with nginx"),
    ],
)
def test_releases_that_do_not_fit_are_refused(
    words: list[str], says: str, charts: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", "scale", *words, "--dist", charts]) == 2
    assert says in capsys.readouterr().err
