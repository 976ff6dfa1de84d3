"""The replayed Determined master as a table: one column for each way to serve it."""

from docs.determined import ROWS, ReplayRecord, page

PROFILE = ReplayRecord("profile", 202, 200, 405, 0.21, 74, 1, 2, 77, 125.8, 3.5, 43.3, 181)
LANE = ReplayRecord("lane", 202, 200, 405, 0.2, 0, 0, 0, 0, 63.2, 1.4, 40.1, 182, 0.009)


def test_the_table_has_a_column_for_each_play_and_what_it_was_measured_with() -> None:
    text = page([PROFILE, LANE], {"Kubernetes": "1.37.0"}, {"cores": "2"})
    first, _, head, _, *rows = text.strip().splitlines()
    assert first == "Measured with Kubernetes 1.37.0, on one machine: cores 2."
    assert head == "|  | profile | lane |"
    cells = {label: found for label, *found in ([each.strip() for each in row.strip("|").split("|")] for row in rows)}
    assert list(cells) == list(ROWS)
    assert cells["Writes refused because of a conflict"] == ["74", "0"]
    assert cells["Tasks lost"] == ["1", "0"]
    assert cells["Ports still in use after killing all tasks"] == ["2", "0"]
    assert cells["From the TCPRoute to the slot, median"] == ["—", "9 ms"]
