"""Checks the workflows in .github with actionlint: `python ci/workflow_check.py`; each step is a make target."""

import sys

import pins
from task_gateway.kube.process import run, tool


def main() -> int:
    """Print what is wrong; return the exit code."""
    done = run([tool("actionlint"), "-no-color", *sorted((pins.ROOT / ".github/workflows").glob("*.yml"))], check=False)
    if done.code:
        print(done.stdout + done.stderr, end="")
        return 1
    print("√ workflows")
    return 0


if __name__ == "__main__":
    sys.exit(main())
