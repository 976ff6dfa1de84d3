"""A preflight for a terminal, and as JUnit."""

import io
from xml.etree import ElementTree

from rich.console import Console

from task_gateway.model import Check, CheckCategory, CheckReport
from task_gateway.report import checks

GOOD = Check("ITG0101", "the API server answers", "ok", docs="docs/checks.md#itg0101")
WARNED = Check("ITG0103", "nodes are Ready", "warning", "not Ready: b", "kubectl get nodes", "docs/checks.md#itg0103")
WRONG = Check(
    "ITG0401", "the Gateway exists", "error", "[red]none\x1b", "kubectl get gateways", "docs/checks.md#itg0401"
)
LEFT = Check("ITG0402", "the Gateway is accepted", "skipped", "because ITG0401 failed", docs="docs/checks.md#itg0402")
REPORT = CheckReport(False, (CheckCategory("cluster", (GOOD, WARNED)), CheckCategory("gateway", (WRONG, LEFT))))


def shown(report: CheckReport) -> list[str]:
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(checks.terminal(report))
    return [line.rstrip() for line in console.export_text().splitlines()]


def test_text_has_a_mark_for_each_check_and_says_what_helps() -> None:
    assert shown(REPORT) == [
        "cluster",
        "-------",
        "√ the API server answers",
        "‼ nodes are Ready",
        "    not Ready: b",
        "    try: kubectl get nodes",
        "    see docs/checks.md#itg0103",
        "",
        "gateway",
        "-------",
        "× the Gateway exists",
        "    [red]none\\x1b",
        "    try: kubectl get gateways",
        "    see docs/checks.md#itg0401",
        "- the Gateway is accepted: skipped because ITG0401 failed",
        "",
        "Status check results are ×",
    ]


def test_text_of_a_success_ends_so() -> None:
    assert shown(CheckReport(True, ()))[-1] == "Status check results are √"


def test_junit_has_a_suite_per_category_and_counts_what_fails() -> None:
    root = ElementTree.fromstring(checks.junit(REPORT))
    cluster, gateway = root.findall("testsuite")
    assert (cluster.get("name"), cluster.get("tests"), cluster.get("failures")) == ("cluster", "2", "0")
    assert (gateway.get("tests"), gateway.get("failures"), gateway.get("skipped")) == ("2", "1", "1")
    failure, skipped = gateway.find("testcase/failure"), gateway.find("testcase/skipped")
    assert failure is not None
    assert (failure.get("message"), failure.text) == ("[red]none\ufffd", "[red]none\ufffd\ntry: kubectl get gateways")
    assert skipped is not None
    assert skipped.get("message") == "because ITG0401 failed"
    assert next(each.get("name") for each in root.iter("testcase")) == "ITG0101 the API server answers"
    assert cluster.findtext("testcase/system-out") == "warning: not Ready: b"
