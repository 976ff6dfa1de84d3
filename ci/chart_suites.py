"""Runs the suites of helm-unittest that are in each chart's tests/: `python ci/chart_suites.py`.

They test which values and cluster states a chart refuses, one case for each. Helm cannot render the latter by itself.
Exit code 1, with the failed case.
"""

import re
import sys
from pathlib import Path

from charts import CONTOUR_CHART, CRDS_CHART, GATEWAY_CHART
from progress import attended
from task_gateway.kube.process import Word, run, tool

ALONE = "--with-subchart=false"
SUITES: tuple[tuple[Path, Path, tuple[Word, ...]], ...] = (
    (GATEWAY_CHART, GATEWAY_CHART, (ALONE,)),
    (CRDS_CHART, CRDS_CHART, (ALONE,)),
    (CONTOUR_CHART, GATEWAY_CHART, ("--file", f"../{CONTOUR_CHART.name}/tests/*_test.yaml")),
)
"""The chart that has suites, the chart to render, and options: a library chart renders in the chart around it only."""
_PASSED = re.compile(r"^Tests: +(\d+) passed, \1 total$", re.MULTILINE)


def main() -> int:
    """Run all suites; return the exit code."""
    total = 0
    for chart, rendered, options in SUITES:
        done = run([tool("helm-unittest"), "--strict", *options, rendered], check=False)
        passed = _PASSED.search(done.stdout)
        if done.code or passed is None:
            print(f"× {chart.name}\n{done.stdout}{done.stderr}")
            return 1
        total += int(passed[1])
    print(f"√ chart suites: {total} sentences hold")
    return 0


if __name__ == "__main__":
    sys.exit(attended(lambda _: main()))
