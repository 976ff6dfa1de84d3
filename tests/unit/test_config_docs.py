"""Every example of the page on configuration, checked as a user would check it."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from task_gateway.cli.main import build

PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"
EXAMPLES = re.findall(r"```yaml\n(.*?)```\n\n```text\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)


def test_the_page_shows_valid_and_wrong_files() -> None:
    assert PAGE.read_text("utf-8").count("```yaml") == len(EXAMPLES)
    verdicts = {": valid" in said for _, said in EXAMPLES}
    assert verdicts == {True, False}


@pytest.mark.parametrize(("text", "said"), EXAMPLES)
def test_example_is_answered_as_the_page_says(
    text: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("master.yaml").write_text(text, "utf-8")
    result = CliRunner().invoke(build(), ["config", "validate", "master.yaml"])
    assert result.stdout == said
    assert result.exit_code == (0 if ": valid" in said else 2)
