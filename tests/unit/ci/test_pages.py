"""Rendered parts of pages are replaced, and the rest of the page does not change."""

from pathlib import Path

import pytest

import pages


@pytest.fixture
def part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pages.PagePart:
    monkeypatch.setattr(pages, "DOCS", tmp_path)
    (tmp_path / "page.md").write_text("before\n<!-- one: begin (x) -->\nold\n<!-- one: end -->\nafter\n")
    part = pages.PagePart("page.md", "one", lambda: "new \\1\n")
    monkeypatch.setattr(pages, "PARTS", (part,))
    monkeypatch.setattr("sys.argv", ["pages.py"])
    return part


def test_only_the_marked_part_is_written(part: pages.PagePart, capsys: pytest.CaptureFixture[str]) -> None:
    pages.main()
    text = pages.path(part).read_text()
    assert text == "before\n<!-- one: begin (x) -->\nnew \\1\n<!-- one: end -->\nafter\n"
    pages.main()
    assert capsys.readouterr().out == "√ pages: docs/page.md\n√ pages: nothing has changed\n"


def test_a_page_that_is_not_up_to_date_is_told(part: pages.PagePart, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["pages.py", "verify"])
    with pytest.raises(SystemExit, match="make pages"):
        pages.main()
    assert "old" in pages.path(part).read_text()


def test_a_page_without_its_marks_is_told(part: pages.PagePart) -> None:
    with pytest.raises(ValueError, match="no part two"):
        pages.wanted(pages.PagePart(part.page, "two", str))


def test_a_record_is_shown_without_strategies_and_limits_that_were_removed() -> None:
    slots = {"strategy": "slots", "limits": [{"id": "slots"}, {"id": "quota-listener-sets"}]}
    managers = [slots, {"strategy": "listenersets", "limits": []}]
    shown = pages.current({"versions": {}, "resource_managers": managers})
    assert shown == {"versions": {}, "resource_managers": [{"strategy": "slots", "limits": [{"id": "slots"}]}]}
    records = [{"path": "pod"}, {"strategy": "listeners"}, {"strategy": "operator"}, {"strategy": "listenersets"}]
    assert pages.current({"records": records}) == {"records": records[:3]}
