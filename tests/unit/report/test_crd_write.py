"""The cost of writing a Gateway, as a table; sizes that a CRD does not accept are shown as refused."""

from task_gateway.spread import Spread
from task_gateway_lab.model_bench import CrdWriteRecord
from task_gateway_lab.report.bench_text import crd_write_rows


def test_what_a_crd_does_not_take_is_refused_in_the_table() -> None:
    few, more = (64, 10, Spread(0.0104, 0.02)), (500, 10, Spread(0.1, 0.25))
    table = crd_write_rows([CrdWriteRecord("one", *few), CrdWriteRecord("two", *few), CrdWriteRecord("two", *more)])
    assert table == [
        ["Milliseconds a write", "64 listeners", "500 listeners"],
        ["one", "10 (20)", "refused"],
        ["two", "10 (20)", "100 (250)"],
    ]
