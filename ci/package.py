"""Builds the files of a release in dist/: `python ci/package.py`.

Both charts, their profiles, the wheel, the operator's image, a bill of materials, and the checksums of all. The same
input gives the same bytes, except for the image, which contains packages of its base as they are on that day.
"""

import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

import charts
import operator_image
import sbom
from progress import Progress, attended
from task_gateway import __version__
from wheel_file import wheel

SUMS = "SHA256SUMS"
MATERIALS = f"task-gateway-{__version__}.cdx.json"


def main(progress: Progress) -> int:
    """Write all files and print what was written."""
    charts.main()
    image = operator_image.make(progress, charts.DIST)
    for old in (*charts.DIST.glob("task_gateway-*.whl"), *charts.DIST.glob("*.cdx.json")):
        old.unlink()
    print(f"√ package: {', '.join(release(charts.DIST, [image]))} in dist/")
    return 0


def release(into: Path, images: Sequence[Path] = ()) -> list[str]:
    """Write what a release consists of, from charts whose parts are in place; return the names of the files.

    `images` are archives that are in the folder already.
    """
    files = [*images, *(charts.package(chart, into) for chart in charts.OURS), *charts.profiles(into), wheel(into)]
    digests = {file.name: _sha256(file) for file in files}
    text = sbom.document(digests)
    if wrong := sbom.problem(text):
        sys.exit(f"× {MATERIALS}: {wrong}")
    (into / MATERIALS).write_text(text, "utf-8")
    digests[MATERIALS] = _sha256(into / MATERIALS)
    (into / SUMS).write_text("".join(f"{digest}  {name}\n" for name, digest in sorted(digests.items())))
    return [*sorted(digests), SUMS]


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


if __name__ == "__main__":
    sys.exit(attended(main))
