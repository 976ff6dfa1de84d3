"""Makes what a release consists of, in dist/: `python ci/package.py`.

Both charts, the wheel of the harness, a bill of materials, and the checksums of all. The same input gives the same
bytes.
"""

import hashlib
import shutil
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import charts
import pins
import sbom
from task_gateway import __version__
from task_gateway.kube.process import run

SOURCES = ("pyproject.toml", "README.md", *charts.LEGAL, "harness")
SUMS = "SHA256SUMS"
MATERIALS = f"task-gateway-{__version__}.cdx.json"
_NOT_PACKED = shutil.ignore_patterns("__pycache__", "*.egg-info", "build")
_DATE = time.gmtime(charts.EPOCH)[:6]


def main() -> None:
    """Write all of it and say what was written."""
    charts.main()
    for old in (*charts.DIST.glob("task_gateway-*.whl"), *charts.DIST.glob("*.cdx.json")):
        old.unlink()
    print(f"√ package: {', '.join(release(charts.DIST))} in dist/")


def release(into: Path) -> list[str]:
    """Write what a release consists of, from charts whose parts are in place; return the names of the files."""
    files = [*(charts.package(chart, into) for chart in charts.OURS), wheel(into)]
    digests = {file.name: _sha256(file) for file in files}
    text = sbom.document(digests)
    if wrong := sbom.problem(text):
        sys.exit(f"× {MATERIALS}: {wrong}")
    (into / MATERIALS).write_text(text, "utf-8")
    digests[MATERIALS] = _sha256(into / MATERIALS)
    (into / SUMS).write_text("".join(f"{digest}  {name}\n" for name, digest in sorted(digests.items())))
    return [*sorted(digests), SUMS]


def wheel(into: Path, sources: Path = pins.ROOT) -> Path:
    """Build the wheel from a copy of what belongs to it, and write it to `into` without times and modes of files."""
    with tempfile.TemporaryDirectory(prefix="task-gateway-wheel-") as name:
        copy, built = Path(name) / "copy", Path(name) / "built"
        copy.mkdir()
        for source in SOURCES:
            if (sources / source).is_dir():
                shutil.copytree(sources / source, copy / source, ignore=_NOT_PACKED)
            else:
                shutil.copyfile(sources / source, copy / source)
        python = ["--python", sys.executable, "--no-build-isolation"]
        run(["uv", "build", "--quiet", "--wheel", *python, "--out-dir", built, copy])
        (made,) = built.glob("*.whl")
        target = into / made.name
        with zipfile.ZipFile(made) as source_zip, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as zipped:
            for each in sorted(source_zip.namelist()):
                entry = zipfile.ZipInfo(each, _DATE)
                entry.external_attr = 0o644 << 16
                zipped.writestr(entry, source_zip.read(each), zipfile.ZIP_DEFLATED)
    return target


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


if __name__ == "__main__":
    main()
