"""The comparison with other ways: a row for each, ratios, and sentences only if another way is better."""

import dataclasses
import io
from pathlib import Path

import pytest
from rich.console import Console

from docs import peers as page
from task_gateway.spread import Spread
from task_gateway_lab.model_bench import MissingPeer, PeerRecord, PeerReport, RestartRecord
from task_gateway_lab.report import peer_text

ALTERNATIVES = (Path(__file__).parents[3] / "docs" / "alternatives.md").read_text("utf-8")
SLOT = PeerRecord(
    controller="contour", peer="slot", starts=50, samples=1000, api_writes=1.0,
    start_seconds=Spread(0.025, 0.1), connect_seconds=Spread(0.0008, 0.004), round_trip_seconds=Spread(0.0002, 0.001),
    one_stream_mib_per_second=700, eight_streams_mib_per_second=800,
)  # fmt: skip
FASTER = dataclasses.replace(
    SLOT, peer="other", start_seconds=Spread(0.005, 0.1), connect_seconds=Spread(0.00075, 0.004),
    round_trip_seconds=Spread(0.0004, 0.001), one_stream_mib_per_second=1400,
)  # fmt: skip
ELSEWHERE = dataclasses.replace(SLOT, controller="envoy-gateway", start_seconds=Spread(0.06, 0.2))
CUT = RestartRecord("contour", "API server", True, "slot", open=8, cut=0, away_seconds=0.0, back=True)
LOST = dataclasses.replace(CUT, peer="other", cut=8, away_seconds=31.0, back=False)
SHORT = dataclasses.replace(CUT, part="Envoy", cut=8, away_seconds=1.25)
MISSING = MissingPeer("contour", "third", "the cluster has none")
REPORT = PeerReport(
    {"kubernetes": "v9"}, {"cores": "2"}, "slot", (SLOT, FASTER, ELSEWHERE), (CUT, LOST, SHORT), (MISSING,)
)


def test_each_way_has_a_row_also_one_that_is_not_available() -> None:
    found = peer_text.figure_rows(REPORT)
    assert [row[:2] for row in found] == [
        ["contour", "slot"], ["contour", "other"], ["contour", "third"], ["envoy-gateway", "slot"],
    ]  # fmt: skip
    assert found[0][2:] == ["1", "25 (100)", "0.80 (4.0)", "0", "0.20 (1.0)", "700 MiB/s", "800 MiB/s"]
    assert found[2][2:] == ["not available: the cluster has none", *["-"] * 6]
    assert {len(row) for row in found} == {len(peer_text.FIGURE_HEAD)}


def test_ratios_are_those_to_the_slot_of_the_same_cluster() -> None:
    assert peer_text.ratio_rows(REPORT) == [["contour", "other", "1.00", "0.20", "0.94", "-", "2.00", "2.00", "1.00"]]
    no_writes = dataclasses.replace(SLOT, api_writes=0.0)
    found = peer_text.ratio_rows(dataclasses.replace(REPORT, records=(no_writes, FASTER)))
    assert found[0][2] == "-"


def test_only_what_is_clearly_better_is_a_sentence() -> None:
    assert peer_text.better(REPORT) == [
        "other has a shorter time from start to first byte than a slot on contour: 5.00 ms, not 25.00 ms.",
        "other has more throughput with one stream than a slot on contour: 1,400 MiB/s, not 700 MiB/s.",
    ]


@pytest.mark.parametrize(("cut", "sentences"), [(8, 0), (7, 1)])
def test_a_way_that_survives_restarts_better_is_a_sentence(cut: int, sentences: int) -> None:
    lost = dataclasses.replace(LOST, cut=cut)
    outside = dataclasses.replace(LOST, part="Envoy", in_the_middle=False, cut=9)
    found = peer_text.survived(dataclasses.replace(REPORT, restarts=(CUT, lost, SHORT, outside)))
    assert len(found) == sentences


def test_restarts_have_what_was_cut_and_how_long_new_connections_failed() -> None:
    assert [row[3:] for row in peer_text.restart_rows(REPORT.restarts)] == [
        ["yes", "0 of 8", "answered throughout"],
        ["yes", "8 of 8", "no longer answered"],
        ["yes", "8 of 8", "not answered for 1.2 s"],
    ]


def test_a_terminal_shows_all_three_tables() -> None:
    console = Console(width=250, record=True, file=io.StringIO())
    console.print(peer_text.peers(REPORT))
    shown = console.export_text()
    assert all(text in shown for text in ("not available", "times the value of a slot", "answered throughout"))


def test_the_page_has_all_parts_with_and_without_a_record() -> None:
    assert "| contour | third | not available: the cluster has none |" in page.figures(REPORT)
    assert "| contour | other | 1.00 | 0.20 |" in page.figures(REPORT)
    assert page.better(REPORT).count("\n- ") == 1
    assert page.better(dataclasses.replace(REPORT, records=(SLOT,))) == "None is better than a slot."
    assert "no longer answered" in page.restarts(REPORT)
    for part in (page.figures, page.better, page.restarts):
        assert part(PeerReport()) == page.NOT_RECORDED


def test_the_page_explains_each_figure_of_the_record() -> None:
    fields = {field.name for field in dataclasses.fields(PeerRecord)} - {"controller", "peer"}
    assert {name for name in fields if f"`{name}`" not in ALTERNATIVES} == set()
