"""The table of the first start has every mode of the record."""

from docs import first_start

RECORD = {
    "pull": {"seconds": {"make e2e, cold": 151.2, "make e2e, warm": 100.0, "other": 1.0}, "versions": {"kind": "1"}},
    "build": {"seconds": {"make e2e, cold": 1151.9, "make e2e, warm": 120.4}, "versions": {"kind": "1", "helm": "2"}},
}


def test_each_mode_is_a_column() -> None:
    text = first_start.page(RECORD)
    assert "|  | build mode | pull mode |" in text
    assert "| `make e2e`, first run | 1,152 s | 151 s |" in text
    assert "| `make e2e`, second run | 120 s | 100 s |" in text
    assert "with helm 2, kind 1:" in text
