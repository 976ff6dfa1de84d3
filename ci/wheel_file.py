"""Builds the wheel reproducibly, for the release and for the operator's image."""

import shutil
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import charts
import pins
from task_gateway.kube.process import run

SOURCES = ("pyproject.toml", "README.md", *charts.LEGAL, "harness")
_NOT_PACKED = shutil.ignore_patterns("__pycache__", "*.egg-info", "build")
_DATE = time.gmtime(charts.EPOCH)[:6]


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
