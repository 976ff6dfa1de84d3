"""The command `task-gateway scenario`: its list, and its errors before any cluster is created."""

import json
from pathlib import Path
from typing import Any

import pytest

from task_gateway.cli.main import main
from task_gateway_lab.clusters import operator_image
from task_gateway_lab.master.platforms.base import PlatformLogin
from task_gateway_lab.scenarios.base import GROUPS, checklist, in_order
from task_gateway_lab.scenarios.environment import NEEDS, Environment, EnvironmentSpec
from task_gateway_lab.scenarios.product import ANY_MASTER, Product

CONTEXTS = ["--against", "a", "--against", "b"]


@pytest.fixture
def packages(tmp_path: Path) -> list[str]:
    """The options with the charts, so packages need not exist."""
    for name in ("chart.tgz", "crds.tgz", operator_image.ARCHIVE):
        (tmp_path / name).touch()
    return ["--chart", str(tmp_path / "chart.tgz"), "--crds", str(tmp_path / "crds.tgz"), "--image", "task:1"]


def test_all_are_listed_in_the_order_of_their_groups(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scenario", "list", "-o", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [each["name"] for each in found] == [each.name for each in in_order()]
    assert list(dict.fromkeys(each["group"] for each in found)) == list(GROUPS)
    assert all(each["sentence"].endswith(".") for each in found)
    assert all(bool(each["steps"]) != each["person"] for each in found)


def test_a_run_without_names_leaves_out_what_has_resource_managers_of_its_own() -> None:
    assert {each.name for each in in_order()} - {each.name for each in checklist()} == {"notebook_in_each_cluster"}


def test_what_a_scenario_needs_is_known_and_everything_can_be_repeated_by_hand() -> None:
    for each in in_order():
        assert set(each.needs) <= set(NEEDS), each.name
        assert each.by_hand({}), each.name


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "no_such"], "no scenario is called 'no_such'"),
        (["run", "--tag", "nothing"], "no scenario has the tag nothing"),
        (["run", "--against", "only-one"], "two or three contexts are required"),
        (["run", "--tag", "e2e", *CONTEXTS, "--against", "c"], "two contexts are required"),
        (["run", *CONTEXTS, *CONTEXTS], "two or three contexts are required"),
        (["run", "--controller", "other"], "no controller is called 'other'"),
        (["run", "--name", "Not A Name"], "is not a valid name of a run"),
        (["run", "--resume", "--name", "never-was"], "no earlier run to resume"),
        (["run", "--master", "http://192.0.2.1", "--pool", "east=a"], "the password of the master is not set"),
    ],
)
def test_what_cannot_be_is_refused_first(
    packages: list[str], capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert main(["scenario", *arguments, *packages]) == 2
    assert said in capsys.readouterr().err


def test_the_image_of_the_operator_is_required_by_the_scenarios_that_need_it(
    packages: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / operator_image.ARCHIVE).unlink()
    assert main(["scenario", "run", "--tag", "e2e", *packages]) == 2
    told = capsys.readouterr().err
    assert operator_image.ARCHIVE in told
    assert "make image" in told


def test_clusters_that_exist_have_no_image_of_the_operator(tmp_path: Path) -> None:
    def lacks(**given: Any) -> str:
        return Environment(
            EnvironmentSpec("run", tmp_path / "c.tgz", tmp_path / "d.tgz", "task:1", **given)
        ).missing_requirement(["operator"])

    assert lacks(operator=tmp_path / operator_image.ARCHIVE) == ""
    assert "image of the operator" in lacks(against=("a", "b"))


def test_pools_must_be_pairs(
    packages: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TASK_GATEWAY_MASTER_PASSWORD", "hidden")
    assert main(["scenario", "run", "--master", "http://192.0.2.1", "--pool", "east", *packages]) == 2
    said = capsys.readouterr().err
    assert "at: --pool" in said
    assert "hidden" not in said


def test_a_determined_master_is_asked_for_no_more_than_it_has(tmp_path: Path) -> None:
    given = EnvironmentSpec("run", tmp_path / "chart.tgz", tmp_path / "crds.tgz", "task:1")
    product = Product(given, "determined", PlatformLogin("http://192.0.2.1", "ada", "secret", {"east": "pool"}))
    playable = {
        each.name for each in in_order() if each.steps and not product.missing_requirement(each.needs, each.tags)
    }
    assert {"big_transfer", "idle_websocket"} <= playable
    assert "a person" in product.missing_requirement(("chromium",), (ANY_MASTER,))
    assert "clusters" in product.missing_requirement((), ())
