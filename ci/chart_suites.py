"""Runs the suites of helm-unittest that are in each chart's tests/: `python ci/chart_suites.py`.

They say what a chart refuses, a sentence for each refusal, also of what it finds in a cluster, which helm alone cannot
render. Exit code 1 and the sentence that does not hold.
"""

import re
import sys

from charts import OURS
from progress import attended
from task_gateway.kube.process import run, tool

_PASSED = re.compile(r"^Tests: +(\d+) passed, \1 total$", re.MULTILINE)


def main() -> int:
    """Run all suites; return the exit code."""
    total = 0
    for chart in OURS:
        done = run([tool("helm-unittest"), "--strict", "--with-subchart=false", chart], check=False)
        passed = _PASSED.search(done.stdout)
        if done.code or passed is None:
            print(f"× {chart.name}\n{done.stdout}{done.stderr}")
            return 1
        total += int(passed[1])
    print(f"√ chart suites: {total} sentences hold")
    return 0


if __name__ == "__main__":
    sys.exit(attended(lambda _: main()))
