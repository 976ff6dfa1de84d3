"""Numbers in values are rendered correctly: integers without an exponent, seconds as durations of the CRDs."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml
from tests.chart.test_branches import CHART

from task_gateway.kube.helm import merged
from task_gateway.kube.process import Completed
from task_gateway.model import Manifest

Render = Callable[..., list[Manifest]]
SCHEMA, CONTOUR_SCHEMA = (
    json.loads((chart / "values.schema.json").read_text("utf-8")) for chart in (CHART, CHART.parent / "contour")
)
DURATION = re.compile(r"([0-9]{1,5}(h|m|s|ms)){1,4}")
UNITS = {"h": 3600, "m": 60, "s": 1}
CONTOUR = yaml.safe_load((CHART / "contour.yaml").read_text("utf-8"))
EXPONENT = re.compile(r"[0-9]e\+[0-9]")
LARGE = 3_000_000


def integers(schema: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], int]]:
    """Yield the path of each integer among the values, and the largest that a test can set it to."""
    for key, each in schema.get("properties", {}).items():
        if "integer" in each.get("type", ()):
            yield (*path, key), min(LARGE, each.get("maximum", LARGE))
        elif key != "envoy-gateway":
            yield from integers(each, (*path, key))


def put(path: tuple[str, ...], value: int) -> dict[str, Any]:
    *outer, last = path
    found: dict[str, Any] = {last: value}
    for key in reversed(outer):
        found = {key: found}
    return found


@pytest.mark.parametrize("values", [{}, CONTOUR], ids=["envoy-gateway", "contour"])
def test_no_integer_gets_an_exponent(helm: Callable[..., Completed], values: dict[str, Any]) -> None:
    every = [*integers(SCHEMA), *((("contour", *path), most) for path, most in integers(CONTOUR_SCHEMA))]
    large = [put(path, most) for path, most in every if most == LARGE]
    assert len(large) >= 5
    scaled = {"envoy": {"resources": {"requests": {"cpu": 1}}, "podDisruptionBudget": {"minAvailable": LARGE}}}
    tolerations = {"envoy": {"tolerations": [{"operator": "Exists", "tolerationSeconds": 31_536_000}]}}
    done = helm("template", "tg", values=merged(values, *large, scaled, tolerations))
    assert done.code == 0, done.stderr
    crds = re.compile(r"kind: CustomResourceDefinition")
    own = [each for each in done.stdout.split("\n---\n") if not crds.search(each)]
    assert [line for each in own for line in each.splitlines() if EXPONENT.search(line)] == []


def seconds(duration: str) -> int:
    assert DURATION.fullmatch(duration), duration
    return sum(int(number) * UNITS[unit] for number, unit in re.findall(r"([0-9]+)([hms])", duration))


@pytest.mark.parametrize(
    "idle", [0, 1, 59, 60, 61, 3600, 3661, 86_399, 99_999, 100_000, 604_800, 2_592_000, 315_360_000]
)
def test_seconds_of_any_length_are_a_duration_of_the_crds(render: Render, idle: int) -> None:
    (policy,) = render({"envoy": {"idleTimeoutSeconds": idle}}, show="clienttrafficpolicy")
    assert seconds(policy["spec"]["timeout"]["tcp"]["idleTimeout"]) == idle


def test_the_largest_keepalive_and_drain_are_durations(render: Render) -> None:
    kept = {"idleSeconds": 32767, "intervalSeconds": 32767, "probes": 127}
    values = {"envoy": {"tcpKeepalive": kept, "drainSeconds": 86400}}
    (policy,) = render(values, show="clienttrafficpolicy")
    found = policy["spec"]["tcpKeepalive"]
    assert (seconds(found["idleTime"]), seconds(found["interval"]), found["probes"]) == (32767, 32767, 127)
    (proxy,) = render(values, show="envoyproxy")
    assert seconds(proxy["spec"]["shutdown"]["drainTimeout"]) == 86400
