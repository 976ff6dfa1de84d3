"""A new check is one function: the command, its reports and the page of checks include it without other changes."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from tests.unit.conftest import KUBECONFIG
from typer.testing import CliRunner

from docs.checks import page
from task_gateway.checks.base import CHECKS, Finding, check
from task_gateway.cli.main import build
from task_gateway.inventory.snapshot import GatewaySnapshot

CODE = "ITG0499"
MASTER = """
resource_manager:
  type: kubernetes
  internal_task_gateway: {gateway_name: gw, gateway_namespace: ns, gateway_ip: 192.0.2.7}
resource_pools: [{pool_name: east}]
"""


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Register a check of the category gateway in place of those that read a cluster."""
    monkeypatch.setattr(CHECKS, "_parts", {rule.code: rule for rule in CHECKS if rule.find is None})

    @check(CODE, "the Gateway has a flag", "kubectl annotate gateway gw flag=here")
    def flag(snapshot: GatewaySnapshot) -> Finding | None:
        """A Gateway without a flag is not found."""
        return Finding(f"Gateway {snapshot.gateway.gateway_name} has no flag", fix="raise one")


@pytest.fixture
def words(tmp_path: Path) -> list[str]:
    """The command, for a gateway that a configuration names; nothing answers at its cluster's address."""
    config, kubeconfig = tmp_path / "master.yaml", tmp_path / "kubeconfig"
    config.write_text(MASTER)
    kubeconfig.write_text(KUBECONFIG)
    return ["check", "--config", str(config), "--kubeconfig", str(kubeconfig), "--only", "gateway"]


def test_the_command_runs_it_and_every_report_has_it(words: list[str]) -> None:
    shown = CliRunner().invoke(build(), [*words, "-o", "json"])
    assert shown.exit_code == 1
    (category,) = json.loads(shown.stdout)["categories"]
    (found,) = category["checks"]
    assert (category["name"], found["code"], found["result"]) == ("gateway", CODE, "error")
    assert (found["message"], found["fix"]) == ("Gateway gw has no flag", "raise one")
    assert "Gateway gw has no flag" in CliRunner().invoke(build(), words).stdout
    cases = ElementTree.fromstring(CliRunner().invoke(build(), [*words, "-o", "junit"]).stdout).iter("testcase")
    assert [each.get("name") for each in cases] == [f"{CODE} the Gateway has a flag"]


def test_the_page_explains_it() -> None:
    explained = page().partition(f"### {CODE}: ")[2]
    assert explained.startswith("the Gateway has a flag\n")
    assert "A Gateway without a flag is not found." in explained
    assert "kubectl annotate gateway gw flag=here" in explained
