"""Every refusal of a chart has a case in its suites, which `make check` runs with helm-unittest."""

import re
from pathlib import Path

import pytest
import yaml

CHARTS = Path(__file__).resolve().parents[2] / "charts"
FAIL = re.compile(r'\bfail (?:\(printf )?"((?:[^"\\]|\\.)*)"')
PLACEHOLDER = re.compile(r"%[sd]")
TELLING = 10
"""Length of a part of a message that identifies the message."""


def refusals(chart: Path) -> list[str]:
    """Return the message of each `fail` in a chart's templates, with its placeholders."""
    files = [file for file in sorted((chart / "templates").rglob("*")) if file.suffix in (".yaml", ".tpl", ".txt")]
    return [message for file in files for message in FAIL.findall(file.read_text("utf-8"))]


def patterns(chart: Path) -> list[str]:
    """Return the messages of refusals that the suites of a chart expect."""
    suites = [suite for file in (chart / "tests").glob("*_test.yaml") for suite in yaml.safe_load_all(file.read_text())]
    asserts = [each for suite in suites for test in suite["tests"] for each in test["asserts"]]
    return [each["failedTemplate"]["errorPattern"] for each in asserts if "failedTemplate" in each]


def is_of(pattern: str, message: str) -> bool:
    parts = [part.strip(" :,()") for part in PLACEHOLDER.split(message)]
    return any(pattern in part or (len(part) >= TELLING and part in pattern) for part in parts)


@pytest.mark.parametrize("chart", ["internal-task-gateway", "gateway-api-crds"])
def test_every_refusal_has_a_sentence(chart: str) -> None:
    expected, messages = patterns(CHARTS / chart), refusals(CHARTS / chart)
    assert len(messages) >= 4
    assert [each for each in messages if not any(is_of(pattern, each) for pattern in expected)] == []
    assert [each for each in expected if not any(is_of(each, message) for message in messages)] == []
    assert len(expected) >= len(messages)
