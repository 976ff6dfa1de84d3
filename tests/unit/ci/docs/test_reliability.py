"""The table of faults: a row for each test, and no failed case is left out."""

from tests.faults import record

from docs import reliability

TEST = "tests/faults/test_x.py::test_a_thing_breaks"
OTHER = "tests/faults/test_x.py::test_another"


def case(test: str, outcome: str, seconds: float = 1.4) -> dict[str, object]:
    return {"test": test, "sentence": f"Sentence of {test[-6:]}.", "outcome": outcome, "seconds": seconds}


def test_cases_of_one_test_are_one_row() -> None:
    faults = reliability.read([case(TEST, "passed"), case(OTHER, "passed"), case(TEST, "passed", 2.2)])
    assert [(each.test, len(each.outcomes)) for each in faults] == [(TEST, 2), (OTHER, 1)]
    page = reliability.page(faults, {"Kubernetes": "v1.36.3"})
    assert page.startswith("Last run: 2 faults in 3 cases, with Kubernetes v1.36.3.\n")
    row = "| Sentence of breaks. | holds | 2 | 4 | [`test_a_thing_breaks`](../tests/faults/test_x.py) |"
    assert row in page.splitlines()


def test_the_worst_case_is_told() -> None:
    def result(*outcomes: str) -> str:
        (fault,) = reliability.read([case(TEST, outcome) for outcome in outcomes])
        return fault.result

    assert result("passed", "passed") == "holds"
    assert result("passed", "failed", "known") == "**does not hold** in 1 of 3"
    assert result("passed", "known") == "**does not hold yet** in 1 of 2"
    assert result("known") == "**does not hold yet**"
    assert result("skipped", "passed") == "not run in 1 of 2"


def test_a_fault_holds_where_each_case_passed() -> None:
    def holds(*outcomes: str) -> bool:
        (fault,) = reliability.read([case(TEST, outcome) for outcome in outcomes])
        return fault.holds

    assert holds("passed", "passed")
    assert not any(holds("passed", each) for each in ("failed", "known", "skipped"))


def test_what_ran_again_is_named() -> None:
    def of(name: str, test: str, outcome: str) -> dict[str, object]:
        return {**case(test, outcome), "case": name}

    cases = [of("one", OTHER, "failed"), of("two", OTHER, "passed"), of("", TEST, "passed")]
    before = {"versions": {"a": "1"}, "again": [], "cases": cases}
    found = record.with_what_stays(before, {"versions": {"b": "2"}, "again": [], "cases": [of("one", OTHER, "passed")]})
    kept = [of("one", OTHER, "passed"), *cases[1:]]
    assert found == {"versions": {"a": "1", "b": "2"}, "again": [OTHER], "cases": kept}
    page = reliability.page(reliability.read(found["cases"]), found["versions"], found["again"])
    assert page.startswith(
        "Last run: 2 faults in 3 cases, with a 1, b 2. Repeated after the full run: `test_another`.\n"
    )


def test_a_record_without_versions_names_none() -> None:
    assert reliability.page([], {}).startswith("Last run: 0 faults in 0 cases.\n")
