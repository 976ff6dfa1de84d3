"""Packages both charts of the previous release in dist/previous: `python ci/previous.py`.

Tests upgrade from them. They are made of the commit that ci/versions.env names, by that commit's own script.
"""

import shutil
import sys
import tarfile
import tempfile
from functools import partial
from pathlib import Path

import charts
import pins
from progress import BuildPart, Progress, attended
from task_gateway.errors import CommandFailed, TaskGatewayError
from task_gateway.kube.process import run

PIN = "PREVIOUS_RELEASE"
PACKAGES = charts.DIST / "previous"
STAMP = PACKAGES / "commit"


def main(progress: Progress) -> int:
    """Package them if they are of another commit; return the exit code."""
    commit = pins.read()[PIN]
    progress.make_missing([BuildPart("previous charts", 10, partial(_made, commit), partial(_make, commit))])
    return 0


def _made(commit: str) -> bool:
    return STAMP.exists() and STAMP.read_text() == commit


def _make(commit: str) -> None:
    shutil.rmtree(PACKAGES, ignore_errors=True)
    PACKAGES.mkdir(parents=True)
    with tempfile.TemporaryDirectory(prefix="task-gateway-previous-") as folder:
        checkout = Path(folder)
        _extract(commit, checkout)
        run([sys.executable, checkout / "ci" / "charts.py"], env={"PYTHONPATH": str(checkout / "harness")})
        for package in (checkout / "dist").glob("*.tgz"):
            shutil.copyfile(package, PACKAGES / package.name)
    STAMP.write_text(commit)


def _extract(commit: str, into: Path) -> None:
    """Write the files of a commit to a folder; if the clone lacks it, the error has the command that fetches it."""
    archive = into / "source.tar"
    try:
        run(["git", "-C", pins.ROOT, "archive", "--output", archive, commit])
    except CommandFailed as problem:
        where, hint = f"{PIN} in ci/versions.env", "git fetch --unshallow"
        raise TaskGatewayError(f"commit {commit} cannot be read: {problem.message}", where=where, hint=hint) from None
    with tarfile.open(archive) as source:
        source.extractall(into, filter="data")


if __name__ == "__main__":
    sys.exit(attended(main))
